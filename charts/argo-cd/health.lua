-- Health of a VideoGeneration, for Argo CD: `resource.customizations.health.dualparal.io_VideoGeneration` in ConfigMap argocd-cm.
local health = { status = "Progressing", message = "The operator has not seen it yet" }
local status = obj.status
if status == nil or status.phase == nil then
  return health
end

local message = status.message or status.phase
if status.reason ~= nil and status.reason ~= "" then
  message = status.reason .. ": " .. message
end

-- What was said of an older spec may not hold any more; what is over stays so.
if status.phase == "Succeeded" then
  health.status = "Healthy"
  health.message = message
  if status.output ~= nil and status.output.location ~= nil then
    health.message = status.output.location
  end
  return health
end
if status.phase == "Failed" then
  return { status = "Degraded", message = message }
end
if obj.spec ~= nil and obj.spec.suspend == true then
  return { status = "Suspended", message = message }
end
if status.observedGeneration ~= nil and obj.metadata.generation ~= nil
    and status.observedGeneration < obj.metadata.generation then
  health.message = "The operator has not seen its last change yet"
  return health
end

health.message = message
for _, condition in ipairs(status.conditions or {}) do
  -- It goes on when somebody mends the spec or the cluster.
  if condition.type == "Stalled" and condition.status == "True" then
    return { status = "Degraded", message = condition.reason .. ": " .. condition.message }
  end
end
if status.reason == "Suspended" then
  health.status = "Suspended"
elseif status.phase == "Running" and status.progress ~= nil and status.progress.percent ~= nil then
  health.message = status.progress.percent .. " % of the work is done"
end
return health
