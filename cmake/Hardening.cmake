# What the compiler and the linker add so that a fault stays a fault and becomes no door: docs/security.md says what
# each is for, tests/app/tst_programs reads it back from the programs.
include(CheckPIESupported)
check_pie_supported()

# CMake pads a build tree's run path with colons to make room for the installed one, and an empty entry is the current
# folder: whoever starts a program there would run that folder's libraries. So there is one run path, decided here,
# and it is empty: every library that a program links is the system's.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH "")
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH OFF)

add_link_options(LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fcf-protection>)
endif()
add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fstack-protector-strong>)
if(NOT SPANSCOPE_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "Rel")
  # Fortified calls need an optimising compiler, and a sanitizer checks more than they do.
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
endif()
