// Work that grows with a run, done where the window need not wait for it: handed over under a std::mutex, as mailbox.h
// says why. What comes of it goes back through a Mailbox that both sides own.
#pragma once

#include <functional>
#include <memory>

#include "ui/model/mailbox.h"

namespace spanscope {

/// In a thread of Qt's pool, in order of the calls where that is one thread. The GUI thread asks.
void inBackground(std::function<void()> call);

/// A mailbox of this thread that whoever works may keep after whoever asked is gone.
inline std::shared_ptr<Mailbox> sharedMailbox() {
    return {new Mailbox, [](Mailbox* box) { box->deleteLater(); }};
}

}  // namespace spanscope
