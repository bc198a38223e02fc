-- Sends the requests of a file, one after the other, each once: wrk -s wrk.lua URL -- FILE BYTES COUNT, with one thread. Prints one line of JSON.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  file = assert(io.open(args[1], "rb"))
  bytes, count = tonumber(args[2]), tonumber(args[3])
  sent, exhausted, asked = 0, 0, false
end

function request()
  -- wrk asks for one before it begins, to see whether it is one, and does not send it.
  if not asked then
    asked = true
    local first = file:read(bytes)
    file:seek("set", 0)
    return first
  end
  if sent == count then
    exhausted = 1
    wrk.thread:stop()
    return "GET /nothing HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
  end
  sent = sent + 1
  return file:read(bytes)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"durationMs":%.3f,"refused":%d,"broken":%d,"sent":%d,"exhausted":%d,"p50":%.4f,"p99":%.4f,"p999":%.4f}\n',
    summary.requests, summary.duration / 1000, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    threads[1]:get("sent"), threads[1]:get("exhausted"),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000))
end
