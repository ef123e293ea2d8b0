#include "ui/export/figure_captions.h"

#include <algorithm>
#include <string_view>

#include "engine/files/decimal.h"
#include "engine/files/safe_text.h"
#include "engine/types/sampler_settings.h"
#include "ui/export/figure_page.h"

namespace spanscope {

namespace {

constexpr size_t kLongestPrompt = 4000;  // bytes, on a command line that people read

/// What would be markup in Markdown, written so that it is not.
std::string plain(const std::string& text) {
    std::string out;
    for (const char c : withoutControls(text)) {
        if (c == '\n' || c == '\r') {
            out += ' ';
            continue;
        }
        if (std::string_view("\\`*_{}[]<>#|&~").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

/// Nothing where it is as it is by default.
std::string option(const char* name, double value, double usual) {
    return value == usual ? std::string() : std::string(" ") + name + " " + shortDecimal(value);
}

void line(std::string& out, const char* name, const std::string& value) {
    if (!value.empty()) out += std::string("- ") + name + ": " + plain(value) + "\n";
}

}  // namespace

std::string shellWord(const std::string& text) {
    constexpr std::string_view kSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%";
    if (!text.empty() && text.find_first_not_of(kSafe) == std::string::npos) return text;
    const auto isPlain = [](unsigned char c) { return c >= 0x20 && c != 0x7F && c != '\''; };
    if (std::all_of(text.begin(), text.end(), isPlain) && withoutControls(text) == text) return "'" + text + "'";
    std::string out = "$'";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        constexpr char kDigits[] = "0123456789abcdef";
        if (c == '\'' || c == '\\') (out += '\\') += c;
        else if (c == '\n') out += "\\n";
        else if (c == '\t') out += "\\t";
        else if (byte < 0x20 || byte >= 0x7F) ((out += "\\x") += kDigits[byte >> 4]) += kDigits[byte & 15];
        else out += c;
    }
    return out + "'";
}

std::string runCommand(const ExportSource& source, const std::string& trace) {
    const RunSettings& s = source.run->header.settings;
    if (s.promptText.size() > kLongestPrompt || (s.promptText.empty() && s.promptIds.empty())) return {};
    const bool both = s.attention.isDeclared() && source.other && source.other->header.settings.attention.isDense();
    std::string out = "spanscope-cli run -m MODEL --task " + shellWord(s.task) + " --attention " +
                      (both ? "both" : shellWord(s.attention.text()));
    if (!s.promptIds.empty()) {
        out += " --prompt-tokens ";
        for (size_t i = 0; i < s.promptIds.size(); ++i) out += (i > 0 ? "," : "") + std::to_string(s.promptIds[i]);
    } else {
        out += " -p " + shellWord(s.promptText);
    }
    if (!s.systemText.empty()) out += " --system " + shellWord(s.systemText);
    if (s.thinking) out += std::string(" --thinking ") + (*s.thinking ? "on" : "off");
    if (s.maxTokens >= 0) out += " -n " + std::to_string(s.maxTokens);
    if (s.contextTokens > 0) out += " -c " + std::to_string(s.contextTokens);
    const SamplerSettings& p = s.sampler;
    const SamplerSettings usual;
    out += option("--temp", double(p.temperature), double(usual.temperature)) + option("--top-k", p.topK, usual.topK) +
           option("--top-p", double(p.topP), double(usual.topP)) +
           option("--min-p", double(p.minP), double(usual.minP)) +
           option("--repeat-penalty", double(p.repeatPenalty), double(usual.repeatPenalty)) +
           option("--repeat-last-n", p.repeatLastN, usual.repeatLastN);
    if (p.temperature > 0) out += " --seed " + std::to_string(p.seed);
    return trace.empty() ? out : out + " --trace " + shellWord(trace);
}

std::string figuresCommand(PictureFormat format, const ExportSource& source, const FigureOptions& o,
                           const std::string& trace, const std::string& folder) {
    const FigureOptions usual;
    std::string out = "spanscope-cli export " + shellWord(trace) + " --all-figures " + shellWord(folder) +
                      " --format " + kPictures[static_cast<size_t>(format)].ending;
    const auto number = [&out](const char* name, double value, double notGiven) {
        out += option(name, value, notGiven);
    };
    const auto flag = [&out](const char* name, bool on) { out += on ? std::string(" ") + name : std::string(); };
    const auto text = [&out](const char* name, const std::string& value) {
        if (!value.empty()) out += std::string(" ") + name + "=" + shellWord(value);
    };
    number("--scale", o.scale, usual.scale);
    if (o.widthMm > 0) number("--width-mm", o.widthMm, 0);
    else number("--width", o.width, usual.width);
    number("--font-size", o.fontPoints, usual.fontPoints);
    text("--font", o.fontFamily);
    flag("--dark", o.dark);
    flag("--no-legend", !o.legend);
    flag("--one-colour", !o.byPhase);
    flag("--no-loaded", !o.showLoaded);
    flag("--over-time", o.overTime);
    flag("--with-first", !o.withoutFirst);
    number("--first-step", o.firstStep, usual.firstStep);
    number("--last-step", o.lastStep, usual.lastStep);
    number("--first-position", o.firstPosition, usual.firstPosition);
    number("--last-position", o.lastPosition, usual.lastPosition);
    number("--step", source.step, -1);
    const WhatIf& how = source.whatIf;
    const WhatIf asRun;
    number("--whatif-page", how.pageTokens, asRun.pageTokens);
    number("--whatif-context", how.context, asRun.context);
    number("--whatif-batch", how.batch, asRun.batch);
    number("--whatif-bandwidth", how.gbPerS, asRun.gbPerS);
    number("--whatif-fixed", how.fixedUs, asRun.fixedUs);
    if (how.valueBytes > 0) out += std::string(" --whatif-kv-type ") + (how.valueBytes == 4 ? "f32" : "bf16");
    if (how.scaling == SpanScaling::Tokens) out += " --whatif-spans tokens";
    if (source.probe && source.probe->layer >= 0) {
        number("--layer", source.probe->layer, -1);
        number("--head", source.probe->head, -1);
    }
    return out;
}

std::string captionFile(const std::vector<FigureFile>& files, PictureFormat format, const ExportSource& source,
                        const FigureOptions& options, const std::string& trace, const std::string& folder) {
    const RunHeader& h = source.run->header;
    FigureOptions made = options;
    made.title.clear();
    made.caption.clear();
    std::string out = "# Figures\n";
    for (size_t i = 0; i < files.size(); ++i) {
        const FigurePage page = figurePage(files[i].kind, source, made);
        out += "\n**Figure " + std::to_string(i + 1) + "** (`" + files[i].name + "`). " +
               plain(page.title.toStdString()) + ". " + plain(page.caption.toStdString()) + "\n";
    }
    out += "\n## The run\n\n";
    line(out, "model", h.modelName + (h.modelHash.empty() ? "" : ", hash " + h.modelHash));
    line(out, "adapter", h.adapter.text());
    line(out, "task", h.settings.task);
    line(out, "attention", h.settings.attention.text());
    line(out, "goes on", h.branch.description());
    line(out, "sampler", describeSampler(h.settings.sampler));
    line(out, "prompt", h.settings.promptText.size() <= kLongestPrompt ? h.settings.promptText : std::string());
    line(out, "answer", source.run->answer);
    line(out, "backend",
         h.backend + (h.device.empty() ? "" : ", " + h.device) + (h.kvType.empty() ? "" : ", KV cache " + h.kvType));
    line(out, "machine", h.machine);
    line(out, "program", h.programVersion.empty() ? "Spanscope" : "Spanscope " + h.programVersion);
    if (trace.empty()) return out;
    const std::string again = runCommand(source, trace);
    out += "\n## Again\n\nThe figures, from the recording" +
           std::string(source.probe || source.curve ? "; those of a replay also need `-m MODEL`" : "") + ":\n\n    " +
           figuresCommand(format, source, options, trace, folder) + "\n";
    if (h.branch.isBranch()) out += "\nThe run goes on from another one, as the window lets it: no command makes it.\n";
    else if (!again.empty()) out += "\nThe run:\n\n    " + again + "\n";
    return out;
}

}  // namespace spanscope
