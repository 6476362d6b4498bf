-- Who reads what in PostgreSQL. kefu_analyst sees every shop; who is in kefu_reader alone sees the shops that
-- kefu_access.shop_readers gives to the role that is logged in, which the owner of the figures keeps.
create schema if not exists kefu_access;
comment on schema kefu_access is 'Who sees which shops in schema marts (店铺数据权限)';

create table if not exists kefu_access.shop_readers (
    reader name not null,
    platform text not null,
    shop_id text not null,
    primary key (reader, platform, shop_id)
);
comment on table kefu_access.shop_readers is 'A row lets a login role (reader) see a shop of a platform (可查看的店铺)';

do $$
begin
    if not exists (select from pg_roles where rolname = 'kefu_reader') then
        create role kefu_reader nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'kefu_analyst') then
        create role kefu_analyst nologin;
    end if;
end
$$;

create schema if not exists marts;
grant usage on schema marts, kefu_access to kefu_reader, kefu_analyst;
grant select on kefu_access.shop_readers to kefu_reader, kefu_analyst;
