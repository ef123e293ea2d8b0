#pragma once

namespace spanscope {

class MainWindow;
class RunArchive;
class Runner;

/// Every signal between window and runner, in one place.
void wire(MainWindow& window, Runner& runner);
/// Where its session is kept.
void wire(MainWindow& window, RunArchive& archive);

}  // namespace spanscope
