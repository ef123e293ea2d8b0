// An error of the engine's as a person reads it.
#pragma once

#include "engine/types/result.h"
#include "ui/model/payloads.h"

namespace spanscope {

/// title: what was attempted.
ErrorInfo toErrorInfo(const QString& title, const Error& error);

}  // namespace spanscope
