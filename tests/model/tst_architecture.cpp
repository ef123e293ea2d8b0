// Descriptions of architectures against the tensors that the kernels know.
#include <QtTest>

#include <set>

#include "engine/model/architecture.h"
#include "kernels/model_tensors.h"

using namespace spanscope;

class TestArchitecture : public QObject {
    Q_OBJECT
  private slots:
    void everyMemberIsListedOnce() {
        LayerWeights layer;
        std::set<const TensorView*> views;
        for (const LayerTensor& tensor : kLayerTensors) views.insert(&(layer.*tensor.view));
        QCOMPARE(views.size(), kLayerTensors.size());
        QCOMPARE(sizeof(LayerWeights), kLayerTensors.size() * sizeof(TensorView));
    }

    void everyNeededTensorHasAName_data() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const Architecture* a : allArchitectures()) QTest::newRow(std::string(a->name).c_str()) << index++;
    }
    void everyNeededTensorHasAName() {
        QFETCH(int, index);
        const Architecture& a = *allArchitectures()[static_cast<size_t>(index)];
        for (const FileFormat format : {FileFormat::HuggingFace, FileFormat::Gguf}) {
            if (format == FileFormat::Gguf && a.type.gguf.empty()) continue;
            std::set<std::string_view> names;
            size_t nShared = 0;  // rows of the tensor that the part before it begins
            for (size_t i = 1; i < a.layerParts.size(); ++i)
                nShared += a.layerParts[i].name.in(format) == a.layerParts[i - 1].name.in(format);
            for (const LayerTensor& tensor : kLayerTensors) {
                const auto part = std::find_if(a.layerParts.begin(), a.layerParts.end(),
                                               [&](const LayerPart& p) { return p.view == tensor.view; });
                const bool named = part != a.layerParts.end() && !part->name.in(format).empty();
                QVERIFY2(named || tensor.spec.optional, tensor.spec.name.data());
                if (named) names.insert(part->name.in(format));
            }
            QCOMPARE(names.size() + nShared, a.layerParts.size());
            for (const FormatNames& name : {a.embedding, a.finalNorm, a.head, a.layerPrefix})
                QVERIFY(!name.in(format).empty());
            for (const ConfigKey* key : {&a.hidden, &a.ffn, &a.nLayers, &a.nHeads, &a.nKvHeads, &a.headDim, &a.vocab,
                                         &a.maxSeqLen, &a.rmsEps, &a.ropeTheta})
                QVERIFY(!key->name.in(format).empty());
        }
    }

    void theyAreFoundByWhatFilesSay() {
        QCOMPARE(architectureOfClass("LlamaForCausalLM")->name, std::string_view("Llama"));
        QCOMPARE(architectureOfType(FileFormat::HuggingFace, "mistral")->name, std::string_view("Mistral"));
        QCOMPARE(architectureOfType(FileFormat::Gguf, "llama")->name, std::string_view("Llama"));
        QVERIFY(architectureOfType(FileFormat::Gguf, "") == nullptr);
        QVERIFY(architectureOfClass("") == nullptr && architectureOfClass("Llama") == nullptr);
        QCOMPARE(architectureOfType(FileFormat::Gguf, "phi3")->name, std::string_view("Phi-3"));
        QCOMPARE(knownClasses(),
                 std::string("LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, "
                             "Gemma2ForCausalLM, Gemma3ForCausalLM, Phi3ForCausalLM, Olmo2ForCausalLM "
                             "or SmolLM3ForCausalLM"));
        QCOMPARE(knownTypes(FileFormat::Gguf),
                 std::string("llama, mistral3, qwen2, qwen3, gemma2, gemma3, phi3, olmo2 or smollm3"));
        const Architecture& llama = *architectureOfType(FileFormat::Gguf, "llama");
        QCOMPARE(knownScalings(llama, FileFormat::HuggingFace),
                 std::string("default, linear, llama3, yarn or longrope"));
        QCOMPARE(knownScalings(llama, FileFormat::Gguf), std::string("none, linear or yarn"));
    }
};

QTEST_GUILESS_MAIN(TestArchitecture)
#include "tst_architecture.moc"
