// What a model should write for an article: a headline and key points, each with the sentences it is made of.
// Deterministic; pure functions; any thread.
#pragma once

#include <string>
#include <vector>

namespace spanscope::news {

struct Article {
    std::string id, title;
    std::string body;                    ///< as it came
    std::vector<std::string> sentences;  ///< one line each
};

struct Line {
    std::vector<int> sources;  ///< sentences, ascending, 0-based
    std::string text;
    bool unchanged = false;  ///< as long as its source
};
struct Target {
    Line headline;
    std::vector<Line> points;  ///< by first source
};

enum class TargetProblem { None, Tabular, NoHeadline, HeadlineUngrounded, NoPoints };

enum class Headlines {
    Own,   ///< the article's title, where six of ten of its topics stand in the declared sentences
    Held,  ///< the title where at most two sentences hold it word by word, else one sentence made shorter
};

/// Chooses sentences greedily. The worth of a sentence is what its shortened form adds: topics of the article not
/// covered yet (each weighs log2(1 + sentences that have it)) and topics of the headline, over the square root
/// of its length; early sentences, figures and self-contained openings count more. Points that begin with "The company"
/// or "It" get the company's name from the sentence that introduces it, which is then declared as well.
/// Headlines::Held is for training: people add to a headline what stands elsewhere, and who learns from such headlines
/// learns to invent.
TargetProblem buildTarget(const Article& article, int maxPoints, Target& target, Headlines headlines = Headlines::Own);

/// Protocol text.
std::string promptText(const std::vector<std::string>& sentences, size_t nLines);
std::string responseText(const Target& target);
std::string answerText(const Target& target);  ///< headline and points, one a line

}  // namespace spanscope::news
