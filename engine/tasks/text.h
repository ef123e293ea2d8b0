// Task "text": the prompt as it is typed, for models that know no protocol.
#pragma once

#include "engine/tasks/task.h"

namespace spanscope {
const Task& textTask();
}
