// Whether the desktop asks for dark and for high contrast, and when it changes its mind. Qt 6.4 does not say; the
// desktop portal does.
#pragma once

#include <QObject>

class QDBusVariant;

namespace spanscope {

class SystemTheme : public QObject {
    Q_OBJECT
  public:
    explicit SystemTheme(QObject* parent = nullptr);
    /// Asks the desktop without waiting; both signals follow as it answers.
    void watch();

  signals:
    void darkChanged(bool dark);
    void highContrastChanged(bool high);

#ifdef SPANSCOPE_DBUS
  private slots:
    void onSettingChanged(const QString& group, const QString& key, const QDBusVariant& value);
#endif
};

}  // namespace spanscope
