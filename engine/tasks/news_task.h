// The `news` task: an article becomes numbered sentences; the answer is a headline and key points with sources.
#pragma once

#include "engine/tasks/task.h"

namespace spanscope {

/// Static; never freed.
const Task& newsTask();

}  // namespace spanscope
