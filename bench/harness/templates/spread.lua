-- wrk asks for another service and route with each request, so no cache of the last one can help.
local SERVICES, TOTAL, ROUTES = <<services>>, <<total>>, <<routes>>
local requests, sent = {}, 0

function init()
  for number = 0, SERVICES * ROUTES - 1 do
    -- Services are taken at even distances over the whole table, as the generated file numbers them.
    local service = math.floor((number % SERVICES) * TOTAL / SERVICES)
    local route = math.floor(number / SERVICES)
    requests[#requests + 1] = wrk.format("GET", string.format("<<path>>", service, route, number))
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end
