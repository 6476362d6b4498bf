-- What does not depend on the day: helpers, shops and agents.
-- Variables: see run.py. Times inside the generator are BIGINT milliseconds since 1970-01-01 00:00 Beijing time,
-- days are whole days since then; both become TIMESTAMP and DATE only in the delivered tables.

-- Every draw is a hash of an entity's key and a purpose, so any day can be drawn alone and in any order.
-- The outer hash matters: without it two purposes of one key would differ by a constant only.
create or replace temp macro u(k, purpose) as (hash(xor(k, hash(purpose))) >> 11)::double / 9007199254740992.0;
create or replace temp macro sub(k, part) as hash(xor(k, hash(part)));
-- An integer from 0 to n - 1.
create or replace temp macro pick(k, purpose, n) as floor(u(k, purpose) * n)::integer;
create or replace temp macro one_of(k, purpose, choices) as choices[1 + pick(k, purpose, len(choices))];
-- Milliseconds between two numbers of seconds, evenly spread.
create or replace temp macro ms_between(k, purpose, low, high) as
    floor(1000 * (low + u(k, purpose) * (high - low)))::bigint;
create or replace temp macro normal(k, purpose) as
    sqrt(-2 * ln(1 - u(k, purpose))) * cos(6.283185307179586 * u(k, purpose || ', angle'));

-- Whether a reply puts the buyer off: such replies have words of their own, and a prompt beside them.
create or replace temp macro is_discouraged(k) as u(k, 'discouraged') < 0.008;

create or replace temp macro day_ms() as 86400000::bigint;
create or replace temp macro day_of(at_ms) as at_ms // 86400000;
create or replace temp macro date_of(day_no) as date '1970-01-01' + day_no::integer;
create or replace temp macro month_text(day_no) as strftime(date '1970-01-01' + day_no::integer, '%Y-%m');
-- The day of delivery: the day after the event, or one to three days later for the few late rows.
create or replace temp macro lands(at_ms, k, may_be_late) as
    at_ms // 86400000 + 1
    + case when may_be_late and u(k, 'late') < 0.2 then 1 + pick(k, 'days late', 3) else 0 end;
-- Numbers are padded, never cut.
create or replace temp macro padded(n, width) as
    case when len(n::varchar) >= width then n::varchar else lpad(n::varchar, width, '0') end;
create or replace temp macro account(shop_id, agent_no) as shop_id || ':agent-' || padded(agent_no, 2);

-- Shops: a few large ones, many small ones. Qualities are spread evenly (golden ratio): even three shops differ.
create or replace temp table shops as
with numbered as (
    select
        shop_no,
        getvariable('prefix') || '-shop-' || padded(shop_no, 2) as shop_id,
        sub(sub(hash(getvariable('seed')), getvariable('prefix')), shop_no) as shop_key
    from range(1, getvariable('shops') + 1) as numbers (shop_no)
),

drawn as (
    select
        *,
        (u(hash(getvariable('seed')), getvariable('prefix') || ' quality') + shop_no * 0.6180339887) % 1 as speed,
        (u(hash(getvariable('seed')), getvariable('prefix') || ' care') + shop_no * 0.7548776662) % 1 as care,
        1 / power(shop_no, 0.8) as size
    from numbered
)

select
    *,
    size / sum(size) over () as share,
    getvariable('on_time_low') + speed * (getvariable('on_time_high') - getvariable('on_time_low')) as on_time_rate,
    0.74 + care * 0.23 as satisfied_rate,
    0.75 + 0.55 * u(shop_key, 'weekend') as weekend_factor,
    -- Minutes of the day between which people answer.
    480 + 15 * pick(shop_key, 'opens', 5) as opens_minute,
    1320 + 15 * pick(shop_key, 'closes', 7) as closes_minute,
    u(shop_key, 'priority') < 0.7 or shop_no = 1 as has_priority,
    u(shop_key, 'queueing') < 0.35 as queue_enabled,
    u(shop_key, 'bot first') < 0.5 as bot_first_enabled
from drawn;

-- Agents: some leave within the first weeks (never the first one, somebody has to stay).
create or replace temp table agents as
select
    shop_no,
    shop_id,
    agent_no,
    account(shop_id, agent_no) as account_id,
    sub(shop_key, agent_no) as agent_key,
    case
        when agent_no > 1 and u(sub(shop_key, agent_no), 'leaves') < 0.2
            then getvariable('start_no') + 3 + pick(sub(shop_key, agent_no), 'leaves on', 30)
    end as leaves_day,
    agent_no > 1 and agent_no = getvariable('agents') and u(shop_key, 'second line') < 0.6 as is_second_line
from shops, range(1, getvariable('agents') + 1) as numbers (agent_no);
