-- What everyone asks before anything else: the newest token, and if there is none, whose
-- turn it is to fetch one. A process gives back here what Redis may have lost: its own
-- token, the newest refusal and the day's count.

local token_key, refused_key, lease_key, pause_key, streak_key, quota_key = unpack(KEYS)
local mine = {token = ARGV[1], version = tonumber(ARGV[2]), life = tonumber(ARGV[3]), left = tonumber(ARGV[4])}
local beyond, refused, may_fetch = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1'
local owner, lease = ARGV[8], tonumber(ARGV[9])
local quota = tonumber(ARGV[10])
local seen = {day = tonumber(ARGV[11]), count = tonumber(ARGV[12]), uncounted = tonumber(ARGV[13])}

local seconds_of_day = 24 * 3600
local seconds = tonumber(redis.call('TIME')[1]) + 8 * 3600 -- Asia/Shanghai
local today = math.floor(seconds / seconds_of_day)

local function text(number) return string.format('%.0f', number) end
local function field(key, name) return tonumber(redis.call('HGET', key, name) or 0) or 0 end

-- The day's count never goes back: neither by a loss of Redis nor by a fetch without it.
local stored_count = 0
if field(quota_key, 'day') == today then stored_count = field(quota_key, 'count') end
local count = stored_count
if seen.day == today then count = math.max(count, seen.count) end
count = count + seen.uncounted

local function remember_count()
  redis.call('HSET', quota_key, 'day', text(today), 'count', text(count))
  redis.call('PEXPIRE', quota_key, 2 * seconds_of_day * 1000)
end
if count > stored_count then remember_count() end

-- A refusal ends every token up to its version, as long as no newer one is known.
local stored = field(token_key, 'version')
local life = math.max(field(token_key, 'life'), 120000) -- everyone looks here every minute
if refused > 0 and refused >= stored then
  redis.call('DEL', token_key)
  stored = 0
  if refused > tonumber(redis.call('GET', refused_key) or 0) then
    redis.call('SET', refused_key, text(refused), 'PX', life)
  end
end
refused = math.max(refused, tonumber(redis.call('GET', refused_key) or 0))

if mine.version > stored and mine.version > refused and mine.left > 0 then
  redis.call('HSET', token_key, 'token', mine.token, 'version', text(mine.version), 'life', text(mine.life))
  redis.call('PEXPIRE', token_key, mine.left)
  stored = mine.version
end

local function answer(verdict, wait)
  local value = ''
  if verdict == 'token' then value = redis.call('HGET', token_key, 'token') end
  return {
    verdict, value, stored, field(token_key, 'life'), math.max(0, redis.call('PTTL', token_key)),
    refused, today, count, math.max(1, wait or 1), tonumber(redis.call('GET', streak_key) or 0),
  }
end

if stored > math.max(beyond, refused) then return answer('token') end
if not may_fetch then return answer('none') end

local holder = redis.call('GET', lease_key)
if holder == owner then return answer('fetch') end -- the answer that said so was lost
if holder then return answer('leased', redis.call('PTTL', lease_key)) end
if redis.call('EXISTS', pause_key) == 1 then return answer('paused', redis.call('PTTL', pause_key)) end
if quota > 0 and count >= quota then
  return answer('quota', (seconds_of_day - seconds % seconds_of_day) * 1000)
end

count = count + 1
remember_count()
redis.call('SET', lease_key, owner, 'PX', lease)
return answer('fetch')
