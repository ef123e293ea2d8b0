// Articles for the window's sample menu. Written for this program; people, firms and places are invented.
#pragma once

#include <string>
#include <vector>

namespace spanscope::news {

std::vector<std::string> sampleArticles();

}  // namespace spanscope::news
