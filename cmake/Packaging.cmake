# What an installed Spanscope consists of, and the Debian package made from it. The CUDA plugin is left out on
# purpose: it is built on the machine whose toolkit it links.
include(GNUInstallDirs)
install(DIRECTORY resources/models resources/samples resources/traces DESTINATION ${CMAKE_INSTALL_DATADIR}/spanscope)
install(FILES resources/desktop/org.spanscope.Spanscope.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications)
install(FILES resources/desktop/org.spanscope.Spanscope.metainfo.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/metainfo)
install(FILES resources/desktop/spantrace.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/mime/packages)
install(FILES resources/icons/spanscope.svg DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/spanscope RENAME copyright)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/spanscope)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME spanscope)
set(CPACK_PACKAGE_CONTACT "The Spanscope authors <spanscope@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Watch a language model choose what it reads")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # dependencies from the linked libraries, so that apt resolves them
set(CPACK_DEBIAN_PACKAGE_DEPENDS "fonts-dejavu-core")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "qt6-wayland, python3-jinja2")
include(CPack)
