// Where this program's own file lies: its libraries and bundled models are looked for beside it, and nowhere else.
#pragma once

#include <string>
#include <vector>

namespace spanscope {

/// Absolute; empty where the system does not say (no /proc, and started by a relative path). Never the current folder
/// by default: whoever starts a program there would run or read what somebody else put there.
std::string programFolder();

/// Folders that may hold what belongs to this program beside its libraries (models, samples, what fetches models), in
/// the order to look in: installed beside it, the checkout of a build tree, an unpacked archive, the package's. Never
/// the current folder. Not each of them is there.
std::vector<std::string> resourceFolders();

/// Where a library that belongs to the program is, for dlopen(): beside the program, in ../bin of a build tree's tests,
/// in ../lib/spanscope of an installation; the first of these where it is in none. Always absolute, since dlopen()
/// looks for a bare name elsewhere; empty where programFolder() is.
std::string programLibrary(const std::string& fileName);

}  // namespace spanscope
