-- Gives the lease back after a fetch that failed, and keeps everyone from trying again
-- before the pause is over.

local _, _, lease_key, pause_key, streak_key = unpack(KEYS)
local owner, pause, streak, streak_life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local holder = redis.call('GET', lease_key)
if holder and holder ~= owner then return 0 end
redis.call('DEL', lease_key)
redis.call('SET', pause_key, '', 'PX', pause)
redis.call('SET', streak_key, streak, 'PX', streak_life)
return 1
