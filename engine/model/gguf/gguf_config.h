// The configuration inside GGUF metadata. Private to engine/model.
#pragma once

#include <cstdint>
#include <string>

#include "engine/model/gguf/gguf.h"
#include "engine/model/loaded_model.h"
#include "engine/model/model_config.h"

namespace spanscope {

/// Format and Unsupported as parseHfConfig(). The tensors say what metadata may leave out: rows of the embedding,
/// divisors of the frequencies, whether there is a head.
Result<ModelConfig> readGgufConfig(GgufFields& fields, const TensorTable& table, const std::string& file);

}  // namespace spanscope
