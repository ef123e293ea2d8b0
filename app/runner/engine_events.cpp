#include "app/runner/engine_events.h"

#include <QMetaMethod>

namespace spanscope {

QStringList EngineEvents::unheard() const {
    QStringList names;
    const QMetaObject& events = staticMetaObject;
    for (int i = events.methodOffset(); i < events.methodCount(); ++i) {
        const QMetaMethod method = events.method(i);
        if (method.methodType() == QMetaMethod::Signal && !isSignalConnected(method))
            names << QString::fromUtf8(method.name());
    }
    return names;
}

}  // namespace spanscope
