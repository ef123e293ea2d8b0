#include "app/gui/system_theme.h"

#ifdef SPANSCOPE_DBUS
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QDBusVariant>
#endif

namespace spanscope {

SystemTheme::SystemTheme(QObject* parent) : QObject(parent) {}

#ifdef SPANSCOPE_DBUS

namespace {
const char* kService = "org.freedesktop.portal.Desktop";
const char* kPath = "/org/freedesktop/portal/desktop";
const char* kInterface = "org.freedesktop.portal.Settings";
const char* kGroup = "org.freedesktop.appearance";
const char* kScheme = "color-scheme";  // 1: prefers dark
const char* kContrast = "contrast";    // 1: high
}  // namespace

void SystemTheme::watch() {
    QDBusConnection bus = QDBusConnection::sessionBus();
    if (!bus.isConnected()) return;
    bus.connect(kService, kPath, kInterface, "SettingChanged", this,
                SLOT(onSettingChanged(QString, QString, QDBusVariant)));
    for (const char* key : {kScheme, kContrast}) {
        QDBusMessage ask = QDBusMessage::createMethodCall(kService, kPath, kInterface, "Read");
        ask << QString(kGroup) << QString(key);
        auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(ask, 2000), this);
        connect(watcher, &QDBusPendingCallWatcher::finished, this, [this, watcher, key] {
            const QDBusPendingReply<QDBusVariant> reply = *watcher;
            if (reply.isValid()) onSettingChanged(kGroup, key, reply.value());
            watcher->deleteLater();
        });
    }
}

void SystemTheme::onSettingChanged(const QString& group, const QString& key, const QDBusVariant& value) {
    if (group != QLatin1String(kGroup)) return;
    QVariant inner = value.variant();
    if (inner.canConvert<QDBusVariant>()) inner = inner.value<QDBusVariant>().variant();  // Read wraps twice
    if (key == QLatin1String(kScheme)) emit darkChanged(inner.toUInt() == 1);
    if (key == QLatin1String(kContrast)) emit highContrastChanged(inner.toUInt() == 1);
}

#else
void SystemTheme::watch() {}
#endif

}  // namespace spanscope
