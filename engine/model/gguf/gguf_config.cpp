#include "engine/model/gguf/gguf_config.h"

#include "engine/files/file_error.h"

namespace spanscope {

namespace {

using Reader = ConfigReader<GgufFields>;

RopeConfig readRope(GgufFields& fields, Reader& reader, const Architecture& architecture) {
    RopeConfig rope;
    rope.theta = reader.number(architecture.ropeTheta, 1, 1e12);
    const std::string typeKey = reader.key("rope.scaling.type");
    const std::string type = fields.string(typeKey, "none");
    const double oldFactor = fields.number(reader.key("rope.scale_linear"), 1e-6, 1e6, 1.0);
    if (!fields.ok()) return rope;
    rope.scaling =
        reader.scaling(fields, typeKey, type, ", or a tensor " + std::string(architecture.ropeDivisors.gguf));
    if (oldFactor != 1.0) rope.scaling = RopeScaling::Linear;
    if (rope.scaling == RopeScaling::Linear)
        rope.factor = fields.number(reader.key("rope.scaling.factor"), 1e-6, 1e6, oldFactor);
    return rope;
}

/// llama3 scaling comes as one divisor for each frequency.
Status divideFrequencies(const TensorTable& table, std::string_view name, std::vector<float>& invFreq) {
    const auto it = table.tensors.find(name);
    if (it == table.tensors.end()) return {};
    const TensorSource& source = it->second;
    const size_t n = invFreq.size();
    if (!source.supported || source.dtype != DType::F32 || source.shape != std::vector{static_cast<int64_t>(n)})
        return fileError(ErrorCode::Format, "not one F32 number for each pair of a head", source.file, it->first,
                         source.dtypeName, "F32 (" + std::to_string(n) + ")");
    const auto* divisors = reinterpret_cast<const float*>(source.bytes.data());  // GGUF aligns to 8 at least
    for (size_t i = 0; i < n; ++i) {
        if (!(divisors[i] > 1e-6f && divisors[i] < 1e6f))
            return fileError(ErrorCode::Format, "factor out of range", source.file, it->first,
                             std::to_string(divisors[i]), "above 0");
        invFreq[i] /= divisors[i];
    }
    return {};
}

}  // namespace

Result<ModelConfig> readGgufConfig(GgufFields& fields, const TensorTable& table, const std::string& file) {
    ModelConfig config;
    config.format = FileFormat::Gguf;
    const std::string type = fields.string("general.architecture");
    if (!fields.ok()) return fields.error();
    config.architecture = architectureOfType(FileFormat::Gguf, type);
    if (config.architecture == nullptr)
        return fileError(ErrorCode::Unsupported, kUnknownArchitecture, file, "general.architecture", type,
                         knownTypes(FileFormat::Gguf));
    const Architecture& architecture = *config.architecture;
    ModelShape& shape = config.shape;
    Reader reader(fields, architecture, FileFormat::Gguf);

    const auto embedding = table.tensors.find(architecture.embedding.gguf);
    const bool isMatrix = embedding != table.tensors.end() && embedding->second.shape.size() == 2;
    const int64_t rows = isMatrix ? embedding->second.shape[0] : 1;
    if (rows < 1 || rows > kMaxVocab)
        return fileError(ErrorCode::Format, "number of rows out of range", file, embedding->first, std::to_string(rows),
                         "1 to " + std::to_string(kMaxVocab));
    if (!reader.readShape(shape, rows)) return fields.error();
    shape.ropeInterleaved = architecture.ggufRopeInterleaved;
    const RopeConfig rope = readRope(fields, reader, architecture);
    if (!fields.ok()) return fields.error();
    shape.ropes.push_back({.invFreq = ropeInvFreq(rope, shape.headDim)});
    if (auto status = divideFrequencies(table, architecture.ropeDivisors.gguf, shape.ropes[0].invFreq); !status)
        return status.error();
    config.tiedHead = !table.tensors.contains(architecture.head.gguf);
    return config;
}

}  // namespace spanscope
