-- Without an argument a new job with each request, else the paths in the file of that name, one
-- after the other. What was seen comes out as one line of JSON.

local paths = {}
local at = 0

function init(args)
   if args[1] then
      for line in io.lines(args[1]) do
         paths[#paths + 1] = line
      end
   else
      wrk.method = "POST"
      wrk.path = "/v1/jobs"
      wrk.headers["Content-Type"] = "application/json"
      -- 300 bytes in all.
      wrk.body = '{"type":"bench","payload":{"note":"' .. string.rep("x", 262) .. '"}}'
   end
end

function request()
   if #paths == 0 then
      return wrk.format()
   end
   at = at % #paths + 1
   return wrk.format("GET", paths[at])
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format('{"requests":%d,"us":%d,"p50_us":%d,"p99_us":%d,"failed":%d}\n',
                          summary.requests, summary.duration, latency:percentile(50),
                          latency:percentile(99), errors.connect + errors.read + errors.write +
                          errors.status + errors.timeout))
end
