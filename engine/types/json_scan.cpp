#include "engine/types/json_scan.h"

#include <algorithm>

namespace spanscope {

JsonScan scanJson(std::string_view text) {
    JsonScan scan;
    scan.nulAt = text.find('\0');
    scan.nValues = 1;
    size_t depth = 0;
    bool inString = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                inString = false;
        } else if (c == '"') {
            inString = true;
        } else if (c == ',' || c == ':') {
            ++scan.nValues;
        } else if (c == '[' || c == '{') {
            ++scan.nValues;
            scan.depth = std::max(scan.depth, ++depth);
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return scan;
}

}  // namespace spanscope
