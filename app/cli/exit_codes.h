// What the shell is told. Documented in --help and app/cli/README.md; scripts depend on the numbers.
#pragma once

#include "kernels/result.h"

namespace spanscope::cli {

enum ExitCode : int {
    kOk = 0,
    kDiffers = 1,      ///< diff: the traces differ
    kUsage = 2,        ///< options or prompt cannot be used as given
    kLoadFailure = 3,  ///< a model, trace or data file cannot be opened, read or written
    kOutOfMemory = 4,  ///< does not fit; --force tries anyway
    kCancelled = 5,    ///< Ctrl+C, SIGTERM, SIGHUP
    kRunFailed = 6,    ///< the backend or device failed while running
};

inline int exitCodeOf(const Error& error) {
    switch (error.code) {
        case ErrorCode::InvalidArgument: return kUsage;
        case ErrorCode::NotFound:
        case ErrorCode::Io:
        case ErrorCode::Format:
        case ErrorCode::Unsupported: return kLoadFailure;
        case ErrorCode::OutOfMemory: return kOutOfMemory;
        case ErrorCode::Cancelled: return kCancelled;
        case ErrorCode::Device: return kRunFailed;
    }
    return kRunFailed;
}

/// Where no allocation says better what for.
inline Error noMemory() { return {ErrorCode::OutOfMemory, "there is not enough memory for this"}; }

}  // namespace spanscope::cli
