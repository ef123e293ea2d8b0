#pragma once
#include "kernels/result.h"
