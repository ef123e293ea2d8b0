// A question to a model that was trained for conversation; its chat template says what becomes of it (chat/).
#pragma once

#include "engine/tasks/task.h"

namespace spanscope {
const Task& chatTask();
}
