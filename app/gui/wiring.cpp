#include "app/gui/wiring.h"

#include "app/runner/run_archive.h"
#include "app/runner/runner.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/whatif/whatif_view.h"
#include "ui/window/chat_controller.h"
#include "ui/window/main_window.h"
#include "ui/window/model_loader.h"
#include "ui/window/run_files.h"
#include "ui/window/run_session.h"

namespace spanscope {

void wire(MainWindow& window, Runner& runner) {
    Runner* r = &runner;
    ModelLoader* models = window.models();
    QObject::connect(models, &ModelLoader::loadRequested, r, &Runner::openModel);
    QObject::connect(models, &ModelLoader::loadCancelRequested, r, &Runner::cancelLoad);
    QObject::connect(models, &ModelLoader::forecastRequested, r, &Runner::forecast);
    QObject::connect(r, &Runner::modelProgress, models, &ModelLoader::onModelProgress);
    QObject::connect(r, &Runner::modelReady, models, &ModelLoader::onModelReady);
    QObject::connect(r, &Runner::modelDropped, models, &ModelLoader::onModelDropped);
    QObject::connect(r, &Runner::modelFailed, models, &ModelLoader::onModelFailed);
    QObject::connect(r, &Runner::forecastReady, models, &ModelLoader::onForecast);
    QObject::connect(r, &Runner::forecastFailed, models, &ModelLoader::onForecastFailed);

    RunController* runs = window.runs();
    QObject::connect(runs, &RunController::runRequested, r, &Runner::run);
    QObject::connect(runs, &RunController::branchRequested, r, &Runner::branch);
    QObject::connect(runs, &RunController::stopRequested, r, &Runner::stop);
    QObject::connect(r, &Runner::started, runs, &RunController::onStarted);
    QObject::connect(r, &Runner::progress, runs, &RunController::onProgress);
    QObject::connect(r, &Runner::batch, runs, &RunController::onBatch);
    QObject::connect(r, &Runner::failed, runs, &RunController::onFailed);
    QObject::connect(r, &Runner::finished, runs, &RunController::onFinished);
    QObject::connect(r, &Runner::idle, runs, &RunController::onIdle);

    RunDistances* distances = window.distances();
    QObject::connect(runs, &RunController::measureRequested, r, &Runner::measure);
    QObject::connect(r, &Runner::distanceProgress, distances, &RunDistances::onProgress);
    QObject::connect(r, &Runner::distanceReady, distances, &RunDistances::onReady);
    QObject::connect(r, &Runner::distanceEnded, distances, &RunDistances::onEnded);

    ChatController* chat = window.chat();
    QObject::connect(chat, &ChatController::requested, r, &Runner::chat);
    QObject::connect(r, &Runner::chatChanged, chat, &ChatController::onChatChanged);
    QObject::connect(r, &Runner::idle, chat, &ChatController::onIdle);

    RunFiles* files = window.files();
    QObject::connect(files, &RunFiles::traceOpenRequested, r, &Runner::openTrace);
    QObject::connect(files, &RunFiles::traceSaveRequested, r, &Runner::saveTrace);
    QObject::connect(r, &Runner::traceOpened, files, &RunFiles::onTraceOpened);
    QObject::connect(r, &Runner::traceSaved, files, &RunFiles::onTraceSaved);
    QObject::connect(r, &Runner::traceFailed, files, &RunFiles::onTraceFailed);

    ProbeView* probe = window.probe();
    QObject::connect(&window, &MainWindow::inspectRequested, r, &Runner::inspect);
    QObject::connect(probe, &ProbeView::probeRequested, r, &Runner::probe);
    QObject::connect(probe, &ProbeView::editRequested, r, &Runner::edit);
    QObject::connect(r, &Runner::inspectProgress, probe, &ProbeView::onProgress);
    QObject::connect(r, &Runner::inspectReady, probe, &ProbeView::onCurve);
    QObject::connect(r, &Runner::inspectFailed, probe, &ProbeView::onFailed);
    QObject::connect(r, &Runner::probeReady, probe, &ProbeView::onProbe);
    QObject::connect(r, &Runner::editReady, probe, &ProbeView::onEdit);

    WhatIfView* whatIf = window.whatIf();
    QObject::connect(whatIf, &WhatIfView::measureRequested, r, &Runner::measureReadRate);
    QObject::connect(r, &Runner::readRateMeasured, whatIf, &WhatIfView::onReadRate);
}

void wire(MainWindow& window, RunArchive& archive) {
    RunArchive* a = &archive;
    RunSession* session = window.session();
    QObject::connect(session, &RunSession::restoreRequested, a, &RunArchive::restore);
    QObject::connect(session, &RunSession::keepRequested, a, &RunArchive::keep);
    QObject::connect(session, &RunSession::clearRequested, a, &RunArchive::clear);
    QObject::connect(a, &RunArchive::restored, session, &RunSession::onRestored);
    QObject::connect(a, &RunArchive::restoreEnded, session, &RunSession::onRestoreEnded);
    QObject::connect(a, &RunArchive::kept, session, &RunSession::onKept);
    QObject::connect(a, &RunArchive::notKept, session, &RunSession::onNotKept);
}

}  // namespace spanscope
