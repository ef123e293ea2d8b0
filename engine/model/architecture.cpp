#include "engine/model/architecture.h"

#include <vector>

namespace spanscope {

namespace {

std::string oneOf(const std::vector<std::string_view>& names) {
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
        text += names[i];
    }
    return text;
}

}  // namespace

const Architecture* architectureOfClass(std::string_view className) {
    for (const Architecture* a : allArchitectures())
        if (a->className == className) return a;
    return nullptr;
}

const Architecture* architectureOfType(FileFormat format, std::string_view type) {
    for (const Architecture* a : allArchitectures())
        if (!type.empty() && a->type.in(format) == type) return a;
    return nullptr;
}

std::string knownClasses() {
    std::vector<std::string_view> names;
    for (const Architecture* a : allArchitectures()) names.push_back(a->className);
    return oneOf(names);
}

std::string knownTypes(FileFormat format) {
    std::vector<std::string_view> names;
    for (const Architecture* a : allArchitectures())
        if (!a->type.in(format).empty()) names.push_back(a->type.in(format));
    return oneOf(names);
}

std::string knownScalings(const Architecture& architecture, FileFormat format) {
    std::vector<std::string_view> names;
    for (const RopeScalingName& s : architecture.ropeScalings)
        if (!s.name.in(format).empty()) names.push_back(s.name.in(format));
    return oneOf(names);
}

}  // namespace spanscope
