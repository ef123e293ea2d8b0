// Sizes and values of the weight formats, against values worked out by hand and against ggml's own Python package.
#include <QJsonDocument>
#include <QJsonObject>
#include <QtTest>

#include "kernels/half.h"
#include "kernels/quant_blocks.h"
#include "kernels/reference/dequantize.h"

using namespace spanscope;

class TestFormats : public QObject {
    Q_OBJECT

  private slots:
    void rowBytes_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<int>("cols");
        QTest::addColumn<int>("bytes");
        QTest::newRow("f32") << int(DType::F32) << 37 << 148;
        QTest::newRow("bf16") << int(DType::BF16) << 37 << 74;
        QTest::newRow("f16") << int(DType::F16) << 1 << 2;
        QTest::newRow("q8_0") << int(DType::Q8_0) << 64 << 68;
        QTest::newRow("q8_0, not whole blocks") << int(DType::Q8_0) << 63 << 0;
        QTest::newRow("q4_0") << int(DType::Q4_0) << 96 << 54;
        QTest::newRow("q4_1") << int(DType::Q4_1) << 96 << 60;
        QTest::newRow("q5_0") << int(DType::Q5_0) << 32 << 22;
        QTest::newRow("q5_1") << int(DType::Q5_1) << 64 << 48;
        QTest::newRow("iq4_nl") << int(DType::IQ4_NL) << 576 << 324;
        QTest::newRow("q2_K") << int(DType::Q2_K) << 256 << 84;
        QTest::newRow("q3_K") << int(DType::Q3_K) << 512 << 220;
        QTest::newRow("q3_K, not whole blocks") << int(DType::Q3_K) << 576 << 0;
        QTest::newRow("iq4_xs") << int(DType::IQ4_XS) << 768 << 408;
        QTest::newRow("q4_K") << int(DType::Q4_K) << 512 << 288;
        QTest::newRow("q4_K, not whole blocks") << int(DType::Q4_K) << 128 << 0;
        QTest::newRow("q5_K") << int(DType::Q5_K) << 256 << 176;
        QTest::newRow("q6_K") << int(DType::Q6_K) << 256 << 210;
        QTest::newRow("nothing") << int(DType::F32) << 0 << 0;
    }
    void rowBytes() {
        QFETCH(int, type);
        QFETCH(int, cols);
        QFETCH(int, bytes);
        QCOMPARE(spanscope::rowBytes(DType(type), cols), size_t(bytes));
    }

    void names() {
        for (DType type : kDTypes) {
            QCOMPARE(dtypeFromName(dtypeName(type)), std::optional(type));
            QCOMPARE(dtypeFromName(QByteArray(dtypeName(type)).toLower().toStdString()), std::optional(type));
            QCOMPARE(blockFormatNames().find(dtypeName(type)) != std::string::npos, isBlocked(type));
        }
        QVERIFY(!dtypeFromName("Q4") && !dtypeFromName("") && !dtypeFromName("Q4_00"));
    }

    /// tests/fixtures/formats/make_blocks.py
    void asThePackageSays_data() {
        QTest::addColumn<int>("type");
        for (DType type : kDTypes)
            if (isBlocked(type)) QTest::newRow(dtypeName(type)) << int(type);
    }
    void asThePackageSays() {
        QFETCH(int, type);
        QFile file(SPANSCOPE_SOURCE_DIR "/tests/fixtures/formats/blocks.json");
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QJsonObject own =
            QJsonDocument::fromJson(file.readAll())["formats"].toObject()[dtypeName(DType(type))].toObject();
        const QByteArray blocks = QByteArray::fromBase64(own["blocks"].toString().toLatin1());
        const QByteArray values = QByteArray::fromBase64(own["values"].toString().toLatin1());
        QCOMPARE(size_t(blocks.size()), spanscope::rowBytes(DType(type), 256));
        QCOMPARE(values.size(), qsizetype(256 * sizeof(float)));
        std::vector<float> want(256), found(256);
        std::memcpy(want.data(), values.data(), size_t(values.size()));
        dequantizeRow(DType(type), blocks.data(), 256, found.data());
        float largest = 0, difference = 0;
        for (size_t i = 0; i < 256; ++i) {
            largest = std::max(largest, std::abs(want[i]));
            difference = std::max(difference, std::abs(want[i] - found[i]));
        }
        QVERIFY(largest > 0.01f);
        QVERIFY2(difference <= 2e-7f * largest, QByteArray::number(double(difference / largest)));  // one rounding
    }

    void halves() {
        QCOMPARE(f16ToFloat(0x3c00), 1.0f);
        QCOMPARE(f16ToFloat(0xc000), -2.0f);
        QCOMPARE(f16ToFloat(0x7bff), 65504.0f);
        QCOMPARE(f16ToFloat(0x0001), 0x1p-24f);
        QVERIFY(std::isinf(f16ToFloat(0x7c00)));
        QCOMPARE(floatToF16(1.0f), uint16_t(0x3c00));
        QCOMPARE(floatToF16(65519.0f), uint16_t(0x7bff));
        QCOMPARE(floatToF16(65520.0f), uint16_t(0x7c00));
        QCOMPARE(floatToF16(0x1p-25f), uint16_t(0));  // a tie, to even
        for (uint32_t h = 0; h < 0x10000; ++h) {
            const float f = f16ToFloat(uint16_t(h));
            if (!std::isnan(f)) QCOMPARE(floatToF16(f), uint16_t(h));
        }
        QCOMPARE(floatToBf16(1.0f), uint16_t(0x3f80));
        QCOMPARE(floatToBf16(1.00390625f), uint16_t(0x3f80));  // a tie, to even
        QCOMPARE(floatToBf16(1.01171875f), uint16_t(0x3f82));
        QVERIFY(std::isnan(bf16ToFloat(floatToBf16(std::nanf("")))));
    }

    void smallBlocks() {
        BlockQ8_0 q8{};
        q8.d = floatToF16(0.5f);
        q8.qs[0] = -128;
        q8.qs[31] = 127;
        float out[32];
        dequantizeRow(DType::Q8_0, &q8, 32, out);
        QCOMPARE(out[0], -64.0f);
        QCOMPARE(out[31], 63.5f);
        QCOMPARE(out[1], 0.0f);
        BlockQ4_0 q4{};
        q4.d = floatToF16(2.0f);
        q4.qs[0] = 0x9f;   // value 0: 15 - 8, value 16: 9 - 8
        q4.qs[15] = 0x08;  // value 15: 0, value 31: -8
        dequantizeRow(DType::Q4_0, &q4, 32, out);
        QCOMPARE(out[0], 14.0f);
        QCOMPARE(out[16], 2.0f);
        QCOMPARE(out[15], 0.0f);
        QCOMPARE(out[31], -16.0f);
    }

    void superBlocks() {
        std::vector<float> out(256);
        BlockQ4_K q4{};
        q4.d = floatToF16(1.0f);
        q4.dmin = floatToF16(0.5f);
        q4.scales[0] = 3;      // group 0: scale 3
        q4.scales[4] = 2;      // group 0: min 2
        q4.scales[8] = 0x45;   // group 4: low bits of scale 5, of min 4
        q4.scales[0] |= 0x40;  // group 4: bit 4 of the scale: 16 + 5 = 21
        q4.scales[4] |= 0x80;  // group 4: bit 5 of the min: 32 + 4 = 36
        q4.qs[0] = 0x07;
        q4.qs[64] = 0x0a;  // group 4 is the low nibbles of bytes 64..95
        dequantizeRow(DType::Q4_K, &q4, 256, out.data());
        QCOMPARE(out[0], 3.0f * 7 - 1.0f);
        QCOMPARE(out[1], -1.0f);
        QCOMPARE(out[128], 21.0f * 10 - 18.0f);
        BlockQ5_K q5{};
        q5.d = floatToF16(1.0f);
        q5.scales[1] = 2;  // group 1: scale 2
        q5.qs[3] = 0x50;   // group 1: high nibbles of bytes 0..31
        q5.qh[3] = 0x02;   // fifth bit of group 1
        dequantizeRow(DType::Q5_K, &q5, 256, out.data());
        QCOMPARE(out[32 + 3], 2.0f * (16 + 5));
        QCOMPARE(out[3], 0.0f);
        BlockQ6_K q6{};
        q6.d = floatToF16(0.25f);
        q6.scales[15] = -4;  // values 240..255: quarter 3 of the second half
        q6.ql[64 + 32 + 31] = 0xb0;
        q6.qh[32 + 31] = 0xc0;
        dequantizeRow(DType::Q6_K, &q6, 256, out.data());
        QCOMPARE(out[255], 0.25f * -4 * (0x3b - 32));
        QCOMPARE(out[254], 0.25f * -4 * -32);
        QCOMPARE(out[0], 0.0f);
    }
};

QTEST_GUILESS_MAIN(TestFormats)
#include "tst_formats.moc"
