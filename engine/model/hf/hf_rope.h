// RoPE as config.json says it: rope_theta and rope_scaling in older files, rope_parameters since transformers 5, there
// also one object for each kind of layer. Private to engine/model; include in .cpp files only.
#pragma once

#include <string>

#include "engine/files/json_fields.h"
#include "engine/model/model_config.h"
#include "engine/model/rope.h"

namespace spanscope {

/// Fills in shape.ropes and shape.longRopeAbove. Format and Unsupported as parseHfConfig(); a setting that is not
/// understood is refused by its key.
Status readHfRope(JsonFields& fields, const Architecture& architecture, const std::string& file, ModelShape& shape);

}  // namespace spanscope
