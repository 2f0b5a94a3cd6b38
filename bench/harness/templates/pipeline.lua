-- wrk sends several requests at once on each connection: it then costs little beside the server (it counts answers).
local batch

function init()
  batch = string.rep(wrk.format("GET", "<<path>>"), <<depth>>)
end

function request()
  return batch
end
