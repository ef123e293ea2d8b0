// Distances of the transcript, in units of the screen: layout, hit testing and painting share them.
#pragma once

namespace spanscope::transcript {

inline constexpr int kMargin = 16;  ///< left and right of the text
inline constexpr int kTopMargin = 8;
inline constexpr int kChipPadding = 5;  ///< inside a chip
inline constexpr int kChipGap = 2;      ///< outside it
inline constexpr int kBarWidth = 3;     ///< at the left of a block that is attended
inline constexpr int kMeterBar = 48;    ///< of the loaded share of dense, at the right

}  // namespace spanscope::transcript
