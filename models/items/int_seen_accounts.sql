-- Every shop and reception account that a landed row names. One row per platform, shop and account, and one without an account
-- where a row names none.
select distinct platform, shop_id, account_id from {{ source('raw', 'seen_accounts') }}
