// Gives every tensor of an adapter its place in a model: whole tensors, rows, and what is added to matrices. Used once,
// by openAdapter(). Private to engine/model.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/adapter/adapter_config.h"
#include "engine/model/architecture.h"
#include "engine/model/loaded_model.h"
#include "kernels/model_tensors.h"

namespace spanscope {

inline constexpr const char* kOtherBase = "the adapter was made for another base";

class Overlay {
  public:
    Overlay(const AdapterConfig& config, const std::string& configFile, const TensorTable& table, LoadedModel& model)
        : m_config(config),
          m_configFile(configFile),
          m_table(table),
          m_model(model),
          m_weights(model.m_weights),
          m_architecture(*model.m_architecture),
          m_baseEmbeddingType(model.m_weights.embedding.dtype) {}

    /// Places every tensor of the table, which outlives this, in the model. Unsupported for one that has no place,
    /// InvalidArgument where the base is another one, Format and NotFound where the adapter contradicts its
    /// configuration.
    Status lay();
    /// The largest of the matrices' ranks.
    int32_t rank() const { return m_rank; }

  private:
    struct Module {
        int32_t layer = 0;
        std::string_view name;  ///< "self_attn.q_proj"
        const TensorSource* a = nullptr;
        const TensorSource* b = nullptr;
    };

    void fail(Error error) {
        if (m_status) m_status = std::move(error);
    }
    void refuse(const std::string& name, const TensorSource& source);
    /// "model.layers.3.mlp.up_proj": 3, and the rest. -1: no layer's.
    int32_t layerOf(std::string_view path, std::string_view& rest) const;
    /// True: the base has such a layer.
    bool checkLayer(const std::string& name, const TensorSource& source, int32_t layer);
    void place(const std::string& name, const TensorSource& source);
    void placeInLayer(const std::string& name, std::string_view path, const TensorSource& source);
    /// A view of what the file holds. Absent after a failure.
    TensorView view(const std::string& name, const TensorSource& source, int64_t rows, int64_t cols);
    void replace(const std::string& name, const TensorSource& source, const TensorSpec& spec, TensorView& target);
    /// Embedding or head; of the base's type, as peft has it, where that is a plain one.
    void replaceWhole(const std::string& name, const TensorSource& source, const TensorSpec& spec,
                      TensorView ModelWeights::*view);
    void completeGain(TensorView& gain);
    void addLowRank(const std::string& path, const Module& module);
    bool isTarget(std::string_view path, int32_t layer) const;
    /// What the configuration names is there: a part of an adapter would give other results.
    void checkTargets();
    /// Replaced rows, brought into the order of their ids.
    void takeRows(const FormatNames& whole, const TensorSource* source, const std::vector<int32_t>& ids,
                  ReplacedRows& target);
    void placeRows();
    /// A head that is the embedding: does it change with it?
    void checkHead();

    const AdapterConfig& m_config;
    const std::string& m_configFile;
    const TensorTable& m_table;
    LoadedModel& m_model;
    ModelWeights& m_weights;
    const Architecture& m_architecture;
    const DType m_baseEmbeddingType;
    std::map<std::string, Module> m_modules;  // by their paths
    const TensorSource* m_embeddingRows = nullptr;
    const TensorSource* m_headRows = nullptr;
    const TensorSource* m_wholeEmbedding = nullptr;
    const TensorSource* m_wholeHead = nullptr;
    int32_t m_rank = 0;
    Status m_status;
};

}  // namespace spanscope
