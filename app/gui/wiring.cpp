#include "app/gui/wiring.h"

#include "app/runner/runner.h"
#include "ui/views/probe/probe_view.h"
#include "ui/window/main_window.h"

namespace spanscope {

void wire(MainWindow& window, Runner& runner) {
    MainWindow* w = &window;
    Runner* r = &runner;
    QObject::connect(w, &MainWindow::loadRequested, r, &Runner::openModel);
    QObject::connect(w, &MainWindow::loadCancelRequested, r, &Runner::cancelLoad);
    QObject::connect(w, &MainWindow::forecastRequested, r, &Runner::forecast);
    QObject::connect(w, &MainWindow::runRequested, r, &Runner::run);
    QObject::connect(w, &MainWindow::stopRequested, r, &Runner::stop);
    QObject::connect(w, &MainWindow::traceOpenRequested, r, &Runner::openTrace);
    QObject::connect(w, &MainWindow::traceSaveRequested, r, &Runner::saveTrace);

    QObject::connect(w, &MainWindow::inspectRequested, r, &Runner::inspect);
    QObject::connect(w->probe(), &ProbeView::probeRequested, r, &Runner::probe);
    QObject::connect(w->probe(), &ProbeView::editRequested, r, &Runner::edit);
    QObject::connect(r, &Runner::inspectProgress, w->probe(), &ProbeView::onProgress);
    QObject::connect(r, &Runner::inspectReady, w->probe(), &ProbeView::onCurve);
    QObject::connect(r, &Runner::inspectFailed, w->probe(), &ProbeView::onFailed);
    QObject::connect(r, &Runner::probeReady, w->probe(), &ProbeView::onProbe);
    QObject::connect(r, &Runner::editReady, w->probe(), &ProbeView::onEdit);

    QObject::connect(r, &Runner::modelProgress, w, &MainWindow::onModelProgress);
    QObject::connect(r, &Runner::modelReady, w, &MainWindow::onModelReady);
    QObject::connect(r, &Runner::modelDropped, w, &MainWindow::onModelDropped);
    QObject::connect(r, &Runner::modelFailed, w, &MainWindow::onModelFailed);
    QObject::connect(r, &Runner::forecastReady, w, &MainWindow::onForecast);
    QObject::connect(r, &Runner::forecastFailed, w, &MainWindow::onForecastFailed);
    QObject::connect(r, &Runner::started, w, &MainWindow::onStarted);
    QObject::connect(r, &Runner::progress, w, &MainWindow::onProgress);
    QObject::connect(r, &Runner::batch, w, &MainWindow::onBatch);
    QObject::connect(r, &Runner::failed, w, &MainWindow::onFailed);
    QObject::connect(r, &Runner::finished, w, &MainWindow::onFinished);
    QObject::connect(r, &Runner::idle, w, &MainWindow::onIdle);
    QObject::connect(r, &Runner::traceOpened, w, &MainWindow::onTraceOpened);
    QObject::connect(r, &Runner::traceSaved, w, &MainWindow::onTraceSaved);
    QObject::connect(r, &Runner::traceFailed, w, &MainWindow::onTraceFailed);
}

}  // namespace spanscope
