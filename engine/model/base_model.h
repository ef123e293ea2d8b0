// The model that an adapter stands on: where it is looked for, and how it comes onto this machine. The program fetches
// nothing by itself: a person starts resources/fetch/fetch.py, by `./run model` or in the window.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/model/model.h"

namespace spanscope {

/// Where models are put that were fetched: $SPANSCOPE_MODELS, else spanscope/models in $XDG_DATA_HOME, else in
/// ~/.local/share. Empty where the environment names none. resources/fetch/fetch.py says the same.
std::string fetchedModelFolder();

/// The bundled adapter whose card names SmolLM2 as its base: it serves the news task where it came with the program.
inline constexpr const char* kSpansAdapter = "smollm2-135m-spans";

/// A folder with an adapter and no model of its own.
bool isAdapterFolder(const std::string& path);

/// Path of the base that the card of an adapter's folder names: beside the folder, in $SPANSCOPE_MODELS, in the
/// person's own data folder; the first of the right size. What it holds is checked by its hash when it is opened.
/// Empty: the card names none. NotFound where it is in none of them: says in one sentence what to do. Otherwise errors
/// of the card.
Result<std::string> findBase(const std::string& adapterFolder);

/// A base that resources/fetch knows: all of it comes from there, nothing from a card.
struct FetchableBase {
    BaseModel model;
    std::string folder;                ///< where it is put
    std::vector<std::string> command;  ///< program and arguments: fetches it and prints "progress DONE TOTAL" lines
    std::string typed;                 ///< the same as a person types it
};

/// What would make `path` open: for an adapter's folder whose base is not there and can be fetched.
std::optional<FetchableBase> missingBase(const std::string& path);

}  // namespace spanscope
