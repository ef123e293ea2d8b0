// QLabel guesses whether a text is markup; what comes from a file must not be (ui/model/shown_text.h).
#pragma once

namespace spanscope {

/// Every label shows its text as written from here on, but for those that say Qt::RichText themselves; so do the
/// message boxes of Qt. What a tooltip with markup says is the widget's accessible description, where it has no other.
/// Once in a program.
void showLabelsAsPlainText();

}  // namespace spanscope
