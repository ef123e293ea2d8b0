// Help that needs no network: shortcuts, the protocol, about. Made from the window's own actions where it can be.
#pragma once

#include <QDialog>
#include <QVector>

class QAction;

namespace spanscope {

/// Every action with a shortcut, grouped as the menus are.
class ShortcutSheet : public QDialog {
    Q_OBJECT
  public:
    struct Group {
        QString title;
        QVector<QAction*> actions;
    };
    ShortcutSheet(const QVector<Group>& groups, QWidget* parent);
};

class ProtocolHelp : public QDialog {
    Q_OBJECT
  public:
    explicit ProtocolHelp(QWidget* parent);
};

class AboutDialog : public QDialog {
    Q_OBJECT
  public:
    AboutDialog(const QString& version, const QString& devices, QWidget* parent);
};

}  // namespace spanscope
