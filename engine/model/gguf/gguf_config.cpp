#include "engine/model/gguf/gguf_config.h"

#include "engine/files/file_error.h"

namespace spanscope {

namespace {

using Reader = ConfigReader<GgufFields>;

constexpr double kMostFactor = 1e6;

/// YaRN as llama.cpp computes it from the metadata.
void readYarn(GgufFields& fields, Reader& reader, RopeConfig& rope) {
    rope.factor = fields.number(reader.key("rope.scaling.factor"), 1, kMostFactor, 1.0);
    rope.betaFast = fields.number(reader.key("rope.scaling.yarn_beta_fast"), 1e-6, kMostFactor, 32.0);
    rope.betaSlow = fields.number(reader.key("rope.scaling.yarn_beta_slow"), 1e-6, kMostFactor, 1.0);
    const double logMultiplier = fields.number(reader.key("rope.scaling.yarn_log_multiplier"), 0, kMostFactor, 0.0);
    if (logMultiplier > 0) rope.mscale = 1, rope.mscaleAllDims = logMultiplier;
    for (const char* name : {"rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor"}) {
        const double value = fields.number(reader.key(name), -kMostFactor, kMostFactor, 1.0);
        if (fields.ok() && value != 1)
            fields.fail(ErrorCode::Unsupported, "YaRN with another value is not supported", reader.key(name),
                        shortDecimal(value), "1");
    }
    if (fields.ok() && (rope.theta <= 1 || rope.betaFast < rope.betaSlow))
        fields.fail(ErrorCode::Format, "YaRN needs a base above 1, and beta_fast not below beta_slow",
                    reader.key("rope.scaling.type"), "yarn");
}

/// How many values of a head are rotated.
int32_t readRotated(GgufFields& fields, Reader& reader, const Architecture& architecture, int32_t headDim) {
    const std::string key = reader.key("rope.dimension_count");
    const auto dims = static_cast<int32_t>(fields.integer(key, 2, kMaxHeadDim, headDim));
    if (fields.ok() && dims != headDim && !architecture.partialRope)
        fields.fail(ErrorCode::Unsupported, "RoPE on a part of each head is not supported for this architecture", key,
                    std::to_string(dims), std::to_string(headDim));
    if (fields.ok() && (dims % 2 != 0 || dims > headDim))
        fields.fail(ErrorCode::Format, "RoPE rotates pairs of values of a head", key, std::to_string(dims),
                    "an even number, at most " + std::to_string(headDim));
    return dims;
}

RopeConfig readRope(GgufFields& fields, Reader& reader, const Architecture& architecture, const ModelShape& shape) {
    RopeConfig rope;
    rope.theta = reader.number(architecture.ropeTheta, 1, 1e12);
    rope.dims = readRotated(fields, reader, architecture, shape.headDim);
    const std::string typeKey = reader.key("rope.scaling.type");
    const double oldFactor = fields.number(reader.key("rope.scale_linear"), 1e-6, kMostFactor, 1.0);
    // Without a type the factor is linear, as llama.cpp has it.
    const std::string type =
        fields.has(typeKey) || !architecture.longDivisors.gguf.empty() ? fields.string(typeKey, "none") : "linear";
    if (!fields.ok()) return rope;
    const std::string divisors =
        architecture.ropeDivisors.gguf.empty() ? "" : ", or a tensor " + std::string(architecture.ropeDivisors.gguf);
    rope.scaling = reader.scaling(fields, typeKey, type, divisors);
    rope.originalContext = reader.originalContext(shape.maxSeqLen);
    const std::string factorKey = reader.key("rope.scaling.factor");
    if (rope.scaling == RopeScaling::Linear) rope.factor = fields.number(factorKey, 1e-6, kMostFactor, oldFactor);
    if (rope.scaling == RopeScaling::Yarn) readYarn(fields, reader, rope);
    for (const std::string& key : {factorKey, reader.key("rope.scale_linear")}) {
        const bool used =
            rope.scaling == RopeScaling::Linear || (rope.scaling == RopeScaling::Yarn && key == factorKey);
        if (!used && fields.ok() && fields.number(key, 0, kMostFactor, 1.0) != 1)
            fields.fail(ErrorCode::Unsupported, "a factor that this kind of scaling does not use", key, "present",
                        "absent");
    }
    return rope;
}

/// One number above 0 for each frequency; empty if there is no such tensor.
Result<std::vector<double>> readDivisors(const TensorTable& table, std::string_view name, int32_t dims) {
    std::vector<double> divisors;
    const auto it = table.tensors.find(name);
    if (name.empty() || it == table.tensors.end()) return divisors;
    const TensorSource& source = it->second;
    const auto n = static_cast<size_t>(dims / 2);
    if (!source.supported || source.dtype != DType::F32 || source.shape != std::vector{static_cast<int64_t>(n)})
        return fileError(ErrorCode::Format, "not one F32 number for each pair of a head", source.file, it->first,
                         source.dtypeName, "F32 (" + std::to_string(n) + ")");
    const auto* values = reinterpret_cast<const float*>(source.bytes.data());  // GGUF aligns to 8 at least
    for (size_t i = 0; i < n; ++i) {
        if (!(values[i] > 1e-6f && values[i] < 1e6f))
            return fileError(ErrorCode::Format, "factor out of range", source.file, it->first,
                             std::to_string(values[i]), "above 0");
        divisors.push_back(values[i]);
    }
    return divisors;
}

/// llama3 scaling comes as one divisor for each frequency, longrope as two; a magnitude of angles as a number.
Status readAngles(GgufFields& fields, Reader& reader, const TensorTable& table, const Architecture& a,
                  ModelShape& shape) {
    RopeConfig config = readRope(fields, reader, a, shape);
    if (!fields.ok()) return fields.error();
    auto divisors = readDivisors(table, a.ropeDivisors.gguf, config.dims);
    auto shorts = readDivisors(table, a.shortDivisors.gguf, config.dims);
    auto longs = readDivisors(table, a.longDivisors.gguf, config.dims);
    for (const auto* list : {&divisors, &shorts, &longs})
        if (!*list) return list->error();
    const bool isLong = !shorts->empty() || !longs->empty();
    if (shorts->empty() != longs->empty() || (config.scaling == RopeScaling::LongRope && !isLong)) {
        fields.fail(ErrorCode::Format, "longrope needs divisors for short and for long sequences",
                    std::string(shorts->empty() ? a.shortDivisors.gguf : a.longDivisors.gguf), "nothing", "a tensor");
        return fields.error();
    }
    const double magnitude = fields.number(reader.key("rope.scaling.attn_factor"), 1e-6, kMostFactor, 1.0);
    if (!fields.ok()) return fields.error();
    if (isLong) {
        config.scaling = RopeScaling::LongRope;
        config.attentionFactor = 1;
        config.shortFactors = *shorts;
        config.longFactors = *longs;
        shape.longRopeAbove = config.originalContext;
    }
    Rope& rope = shape.ropes.emplace_back(makeRope(config));
    rope.magnitude *= static_cast<float>(magnitude);
    rope.longMagnitude = rope.magnitude;
    for (size_t i = 0; i < divisors->size(); ++i) rope.invFreq[i] /= static_cast<float>((*divisors)[i]);
    if (a.localRopeTheta.name.gguf.empty()) return {};
    RopeConfig local;
    local.theta = reader.number(a.localRopeTheta, 1, 1e12);
    local.dims = config.dims;
    if (!fields.ok()) return fields.error();
    shape.ropes.push_back(makeRope(local));
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
    if (!reader.readShape(shape, rows) || !reader.readLayers(shape, {})) return fields.error();
    shape.ropeInterleaved = architecture.ggufRopeInterleaved;
    if (auto status = readAngles(fields, reader, table, architecture, shape); !status) return status.error();
    config.tiedHead = !table.tensors.contains(architecture.head.gguf);
    return config;
}

}  // namespace spanscope
