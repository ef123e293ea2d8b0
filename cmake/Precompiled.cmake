# Headers that nearly every file of a kind includes, compiled once for each kind: a third of the time of a clean build.
#
# spanscope_precompiled(TARGET json|widgets|tests|widget_tests): TARGET takes the precompiled header of that kind from
# the one library that makes it. The compiler refuses it where flags differ (and CMake warns), so no target of these
# kinds sets flags of its own.
set(SPANSCOPE_STD_HEADERS <algorithm> <cmath> <cstdint> <functional> <map> <memory> <optional> <set> <span> <string>
    <variant> <vector>)
set(SPANSCOPE_WIDGET_HEADERS <QAbstractItemModel> <QAction> <QApplication> <QBoxLayout> <QColor> <QComboBox> <QDialog>
    <QLabel> <QMouseEvent> <QPainter> <QPainterPath> <QPushButton> <QSettings> <QString> <QTableView> <QTimer>
    <QToolButton> <QVector> <QWidget>)
file(WRITE ${CMAKE_BINARY_DIR}/generated/precompiled.cpp "// For cmake/Precompiled.cmake.\n")

function(spanscope_precompiled_kind kind)  # [LIBS lib...] HEADERS header...
  cmake_parse_arguments(arg "" "" "LIBS;HEADERS" ${ARGN})
  add_library(spanscope_precompiled_${kind} OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cpp)
  target_link_libraries(spanscope_precompiled_${kind} PRIVATE spanscope_warnings ${arg_LIBS})
  target_precompile_headers(spanscope_precompiled_${kind} PRIVATE ${SPANSCOPE_STD_HEADERS} ${arg_HEADERS})
endfunction()

spanscope_precompiled_kind(json LIBS nlohmann_json::nlohmann_json HEADERS <nlohmann/json.hpp>)
if(SPANSCOPE_GUI)
  spanscope_precompiled_kind(widgets LIBS Qt6::Widgets HEADERS ${SPANSCOPE_WIDGET_HEADERS})
endif()
# Tests: what they do themselves takes no time. Qt names the folders of each test in macros, for a way to find
# data that no test here uses; a precompiled header needs it the same everywhere, so it goes.
set(SPANSCOPE_TEST_OPTIONS $<$<CONFIG:Release>:-O1> -UQT_TESTCASE_BUILDDIR -UQT_TESTCASE_SOURCEDIR)
if(SPANSCOPE_TESTS)
  spanscope_precompiled_kind(tests LIBS Qt6::Test HEADERS <QtTest>)
  if(SPANSCOPE_GUI)
    spanscope_precompiled_kind(widget_tests LIBS Qt6::Widgets Qt6::Test HEADERS ${SPANSCOPE_WIDGET_HEADERS} <QtTest>)
  endif()
endif()

foreach(kind tests widget_tests)
  if(TARGET spanscope_precompiled_${kind})
    target_compile_options(spanscope_precompiled_${kind} PRIVATE ${SPANSCOPE_TEST_OPTIONS})
  endif()
endforeach()

function(spanscope_precompiled target kind)
  target_precompile_headers(${target} REUSE_FROM spanscope_precompiled_${kind})
  target_compile_options(${target} PRIVATE -fPIC)  # as the header was made; an executable would have -fPIE
endfunction()
