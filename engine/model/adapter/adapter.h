// A PEFT LoRA adapter over a model: a folder with adapter_config.json, adapter_model.safetensors and, where the adapter
// was trained for tasks, spanscope.json. What is added to plain matrices (F32, F16, BF16) is merged into copies of
// them; beside blocks it stays by itself (ModelWeights::adapters). Private to engine/model.
#pragma once

#include <string>

#include "engine/model/loaded_model.h"

namespace spanscope {

/// Reads the headers and lays the adapter over a model whose own headers have been read: sets m_adapter, m_hash,
/// m_name, m_weightBytes, m_adapterCard, the views in m_weights. Every tensor has its place or is refused by name.
/// Errors name file, field, found and expected; InvalidArgument where the adapter was made for another base.
Status openAdapter(const std::string& folder, LoadedModel& model);

/// After loadTensors(): brings the rows of B into the order of the model's own and merges what is to be merged. Format,
/// naming the tensor, on values that are not finite; OutOfMemory; Cancelled.
Status applyAdapter(LoadedModel& model, const ProgressFn& progress);

}  // namespace spanscope
