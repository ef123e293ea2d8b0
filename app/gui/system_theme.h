// Whether the desktop asks for dark, and when it changes its mind. Qt 6.4 does not say; the desktop portal does.
#pragma once

#include <QObject>

class QDBusVariant;

namespace spanscope {

class SystemTheme : public QObject {
    Q_OBJECT
  public:
    explicit SystemTheme(QObject* parent = nullptr);
    /// Asks the desktop without waiting; darkChanged() follows if the answer differs from what the palette says.
    void watch();

  signals:
    void darkChanged(bool dark);

#ifdef SPANSCOPE_DBUS
  private slots:
    void onSettingChanged(const QString& group, const QString& key, const QDBusVariant& value);
#endif
};

}  // namespace spanscope
