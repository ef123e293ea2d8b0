// The lesson: what attention is, shown in six pages on the run that is open, each with that run's own numbers. Here are
// the words and which place of the run a page is about; ui/window/lesson_card.h shows them. Values; any thread.
#pragma once

#include <QString>
#include <cstdint>

#include "engine/types/probe.h"
#include "engine/types/records.h"

namespace spanscope {

enum class LessonPage : uint8_t { Attention, Dense, Named, Remove, Cost, YourTurn };
inline constexpr int kLessonPages = 6;

/// Where a page that is about one step looks.
struct LessonPlace {
    int step = -1;       ///< that reads the reference and is followed by what was read; -1: no segment names another
    int segment = -1;    ///< of the response, that the step belongs to
    int reference = -1;  ///< index into RunData::segments: what the page takes away
};
/// The last segment whose text begins with the value of a segment of the response that it names, with as many
/// references as any; else the last one that names anything.
LessonPlace lessonPlace(const RunData& run);

/// What the window knows beside the run.
struct LessonFacts {
    LessonPlace place;                  ///< of the run
    int step = -1;                      ///< selected, or under the pointer
    const RunStats* dense = nullptr;    ///< of the dense twin; nullptr: none
    uint64_t weightBytes = 0;           ///< of the model; 0: not known
    const RunData* parent = nullptr;    ///< page Remove: the run that the one on show goes on from; nullptr: none
    const StepEdit* removed = nullptr;  ///< page Remove: the step again, without the reference; nullptr: not yet
    QString busy;                       ///< page Remove: what is being done, or why it cannot be; empty: nothing
};

QString lessonTitle(LessonPage page);
/// Rich text: the program's own words, and what stands in the run as text.
QString lessonText(LessonPage page, const RunData& run, const LessonFacts& facts);
}  // namespace spanscope
