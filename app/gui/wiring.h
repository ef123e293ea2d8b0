#pragma once

namespace spanscope {

class MainWindow;
class Runner;

/// Every signal between window and runner, in one place.
void wire(MainWindow& window, Runner& runner);

}  // namespace spanscope
