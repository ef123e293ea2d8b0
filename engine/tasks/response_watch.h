// Follows a response while it is written and says when there is no use in going on.
#pragma once

#include <string_view>

namespace spanscope {

class ResponseWatch {
  public:
    virtual ~ResponseWatch() = default;
    /// The next piece of the response's text, special pieces by their names. True: what was written last repeats what
    /// stands before it; nothing good will follow. Bounded work for each byte. After true it is not asked again.
    virtual bool repeats(std::string_view more) = 0;
};

}  // namespace spanscope
