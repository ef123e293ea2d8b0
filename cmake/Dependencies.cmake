# Everything from outside, found in one place. `./run` installs the Debian packages.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SPM REQUIRED IMPORTED_TARGET sentencepiece>=0.1.97)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc>=67)  # sentence boundaries, composed characters (libicu-dev)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8>=10.40)  # what text is cut into words with
pkg_check_modules(MINIZIP REQUIRED IMPORTED_TARGET minizip)
find_package(ZLIB 1.2.12 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)  # singular values: the read-out of the leak probe
find_package(hwy 1.0.3 REQUIRED)

if(SPANSCOPE_GUI)
  # Qt first: the QCustomPlot package names Qt6:: targets but never finds Qt itself.
  find_package(Qt6 6.4 REQUIRED COMPONENTS Widgets PrintSupport Svg)
  find_package(QCustomPlotQt6 REQUIRED)
  qt_standard_project_setup()
endif()
if(SPANSCOPE_TESTS)
  find_package(Qt6 6.4 REQUIRED COMPONENTS Test)
endif()
# Searching every target for moc and .ui files costs more than compiling it; what has a Q_OBJECT sets AUTOMOC itself.
set(CMAKE_AUTOMOC OFF)
set(CMAKE_AUTOUIC OFF)
