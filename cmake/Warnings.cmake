# One interface library that every own target links privately.
add_library(spanscope_warnings INTERFACE)
target_compile_options(spanscope_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion>
  $<$<AND:$<BOOL:${SPANSCOPE_WERROR}>,$<COMPILE_LANGUAGE:CXX>>:-Werror>)
if(SPANSCOPE_SANITIZE)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SPANSCOPE_SANITIZE}>
                      $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
  add_link_options(-fsanitize=${SPANSCOPE_SANITIZE})
endif()
