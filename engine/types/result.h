// Errors and results for the window's rooms, which include engine/types and engine/files and nothing below them
// (docs/architecture.md).
#pragma once

#include "kernels/result.h"
