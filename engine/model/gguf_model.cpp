#include "engine/model/file_error.h"
#include "engine/model/loaded_model.h"

namespace spanscope {

Result<std::shared_ptr<LoadedModel>> openGgufFile(const std::string& path, bool, const ProgressFn&) {
    return fileError(ErrorCode::Unsupported, "GGUF files are not read yet; Hugging Face folders are", path);
}

}  // namespace spanscope
