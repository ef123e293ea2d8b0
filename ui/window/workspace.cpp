#include "ui/window/workspace.h"

namespace spanscope {

void Workspace::setState(State state) {
    m_state = state;
    emit changed();
}

void Workspace::setModel(const ModelInfo& model) {
    m_model = model;
    emit modelSet();
    emit changed();
}

}  // namespace spanscope
