namespace FastCpt.Engine.Tokenizers;

/// <summary>Facts of the Unicode Character Database 16.0.0, run-length coded over all code points.</summary>
/// <remarks>
/// Written by tests/oracles/tokenizers/unicode_tables.mjs, which documents the code; not edited by hand. The tables are
/// ours because those of the platform change with its version, and token ids must not.
/// </remarks>
internal static class UnicodeData
{
    /// <summary>Classes in order: Other, Upper, Lower, OtherLetter, Mark, Number, Space.</summary>
    public const string Classes =
        "SC6QAQ54VTjRATDSAVAO0AEOSAs4FQgKGA0LCB0IuQEIOcIBCEIJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJ" +
        "CgkKCQoJCgkKCQoJEgkKCQoJCgkKCQoJCgkKCRIJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKEQoJCgka" +
        "EQoJChEKGRIhChEKGRoRChEKCQoJChEKCRIJChEKGQoJChESCwkaIxEKEQoRCgkKCQoJCgkKCQoJCgkKCRIJCgkKCQoJCgkKCQoJCgkKCRIR" +
        "CgkKGQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgk6EQoREgkKIQoJCgkKCQoJqgQL" +
        "2gGTASBjcCs4CwgLiAGEBwkKCQoLCAkKEAsaCAkwCQgZCAkIEQqJAQhJmgIJEhkaCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkqCQoICQoREpkD" +
        "ggMJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCDwJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJ" +
        "CgkKCQoJCgkKCQoRCgkKCQoJCgkKCQoJEgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkK" +
        "CQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgixAhALMMoCQOwCCAwIFAgUCAxA2wEgI+gBXCjbAqwBVSATDJsGCAs8" +
        "EDQTFAgkE1UbEAuAAQsM8wHcARDLBVwLcFWLAkwTIAsQDBCzASQLTAscCyyQAcsBHCBbKMMBCDNATNMCxAEIjAKzAxwLlAELPFMUEFUIgwEc" +
        "CEMQExCzAQg7CAsYIxAMCzwQFBAcC0AMIBMIGxQQVRMQNRALCAwQHAgzIBMQswEIOwgTCBMIExAMCCwgFBAcGAw4IwgLOFUUGwxYHAhLCBsI" +
        "swEIOwgTCCsQDAtECBwIHBALeBMUEFVICzQIHAhDEBMQswEIOwgTCCsQDAs8EBQQHDgcIBMIGxQQVQgLNVAMCwgzGBsIIxgTCAsIExgTGBsY" +
        "YyAsGBwIJBALMAxwbWgsQwgbCLsBCIMBEAwLPAgcCCQ4FAgbEAsQExQQVUA9CAscCEMIGwi7AQhTCCsQDAs8CBwIJDgUMBMIExQQVQgTDGAk" +
        "SwgbCMsCFAs8CBwIJAsoGww9GxQQnQEIMwgcCJMBGMMBCEsICxA7GAwgNAgMCEQwVRAUaIMDDBM8KDtECFW4AhMICwgrCMMBCAsIUwwTTAsQ" +
        "KwgLCDwIVRAjgAILuAEUMKUBCAwIDAgMIBRDCKMCIKQBCBQrXAikAkgMyAPbAqQBC1UwMyQjHAscEzwbJGtkCwxVJBCxAggJKAkQ2gIICxrL" +
        "FAgjEDsICwgjEMsCCCMQiwIIIxA7CAsIIxB7CMsDCCMQmwQQHEilARiDAYABsQUQMhjjJhCLAQ7TASjbBBgdQziTASRImwEcWJMBFGBrCBsI" +
        "FGCjA4QCGAsgCwwQVTBViAEcCAxVMMsFOCsUkwIMCyizBFD7AQhkIGRQVfMBECtY4wIg0wEwXagCuwEsIKsDVAjsARAMVTBVaAtA/AGIAyz7" +
        "AowBQxhViAFMYBzzAWwTVeMCdGCjAqQBQFUYG1WjAhBKCQoo2QIQGYABHAisASMMMwwTHAso4gL7A2oLkgKrAoQECQoJCgkKCQoJCgkKCQoJ" +
        "CgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkK" +
        "CQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCglKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJ" +
        "CgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCUpBMhAxEEJBQkEy" +
        "EDEQQggJCAkICQgJQkFyEEJBQkFCQSoIEikIChgaCBIpGCIQEiEgQikoGggSKRhe6AEWKA74Ag6AAQ0LEDUoC1Uwa5gDjAKIAQkgCRAKGRIZ" +
        "CggJGCkwCQgJCAkIIQgKIQojChASESgJIiAKCJ0DCQotsC3lA/AEtQGwJ/UB4EaBA4IDCQoZEgkKCQoJCiEKCRIJMhMZCgkKCQoJCgkKCQoJ" +
        "CgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkK" +
        "CQoJCgkSMAkKCQocCQpIDRCyAggKKAoQwwM4C3gMuwFIOwg7CDsIOwg7CDsIOwg7CIQC+AILgB0OIBMNyAFNNAgrEB0TILMFEBQQGwjTBQgj" +
        "KNsCCPMFGCVQgwKAA4MBgAJV8AFFCH2AAlW4An2AFIOcA4AE6+gKmATzAhDrEBiDAVUToAEJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkK" +
        "CQoJCgkKCQoJCgkKCQoJCgkKCyQIVAgLCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJChMUswRVFKgCSxAJCgkKCQoJCgkKCQoJGgkKCQoJ" +
        "CgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKCQoJCgkKC0IJCgkKEQoJCgkKCQoJCgsQCQoJCgsJ" +
        "CgkaCQoJCgkKCQoJCgkKCQoJCgkKCQopCikKCQoJCgkKCQoJCgkKCQohCgkKEQoQCQoICggKCQoJCgkKCagBGwkKGwo7DBsMIwy7ASwgDBg1" +
        "UKMDYBSTA5QBUFUwlAEzGAsIEwxV4wFEELsBbGDrARgk+wJ0cAtVMCsMU1UrCMsCdEgbDEMUEFUwuwEYCxyTAwwLHBMUKxQLDAvAARsQWywQ" +
        "GxRQMxAzEDNIOwg7CNoCCCNKCzCCBZsCRAgUEFUwo7oFYLsBIIsDoJAE8xYQ0wawAjpgKigLDFMIawgrCAsIEwgTCOMGiALbFpABgwQQswPA" +
        "AmMghAGAAYQBgAQrCLsImAFVONEBMNIBWMsFGDMQMxAzEBuYAmMI0wEImwEIEwh7EHOQAtsHYO0CYM0DiAEViAcMkAjrARiLA3gM3QEggwIl" +
        "SKMBDUMNKLMCLCjzARCjAiBDCC3QAsECwgLzBBBVMKECIKICIMMCQKMDYFkIeQg5CBEIWgh6CDoIEhijA2C7E0izAVBDwAEzCNMCCEuoBDMQ" +
        "CwjjAggTGAsQuwEQRbsBED37AUBNgAObAQgTKC2zATUg0wGwBMMDIBUThQEQ9QILHAgUKCQjCBsI6wEQHCAMTbgB6wEVCOsBHYACQwjjARQg" +
        "LYABswNQswEQRZsBKEWTAbgBPYAFywS4A5kDaJoDODWjAiRAVTBVM7EBGCwIC7IB0A39AQjTAggUGBOAARu4AyTrAVULQLMBXCXYAZMBJNAC" +
        "qwE9oAG7AUgcqwN8WPUBDBMUC0gk6wJcOAxoywE4VTAcowJ0CFUgCxQLQJsCDBALSByDA3QjICQIFFULCAsgpQFYkwEIywFkMAwTDPADOwgL" +
        "CCMIewhTOPsCZChVMCQIQxATELMBCDsIEwgrCBQLPBAUEBwQCzAMKCsUEDwYLFhTCAsQCwizAggLTAgMEAwIJAgsCwwLaBToAasDlAEjKFUg" +
        "DBvwAYMDpAETCAtAVbAK+wI8EEy4ASMUkAKDA4wBGAtYVbAC2wJsCzhVMKUB4AHbARB8IGUgO8gL4wJ8qAaBAoICnQFgQxALEEMIEwjDATQI" +
        "FBAkCwwLFGBVsARDELsCPBA8CwgLDNgBC1TDAjwLJEAMQAtc8wKEARgLkAHLBLgMiwJ4VTBLCKsCRAhEC3jtASjzARC0AQh0yAQ7CBMIswI0" +
        "GAwIFAg8CwxAVTAzCBMIgwIsCBQILAs4VbATmwEkSBQLDGsIkwI8GCxoVQyoBQt4rQHYAtM5sAb9BogBowzgpAGLBniDQ4ABDDN8UNv5ASi7" +
        "JMirA/MBlAFVsGzLIzj7AQhVMPsECFUw8wEQLFiDAzxII2BVCD0IqwEomwGAG+sCGFWwDIECggK9AcgG2wQgDAu8Azgka4AEEwgLDFgUcMP/" +
        "AkCzTcgCU7iuBCMIOwgTCJsSeAvoARsQC3AjQOMYoJAB2wYoaxhLOFMYFIiFAlWwIPQCELwB8CEsGDRARBA88AEkoAkc2AelAWClAeAGzQG4" +
        "CNEB0gHRAToIkgHRAdIBCQgREAkQERAhCEEiCAoIOgha0QHSAREIIRBBCDkI0gERCCEIKQgJGDkI0gHRAdIB0QHSAdEB0gHRAdIB0QHSAdEB" +
        "4gEQyQEIygEIMskBCMoBCDLJAQjKAQgyyQEIygEIMskBCMoBCDIJChCVA4AgvAMglANADHAMsAEsCHyARVILogEwMqgNPAiMARA8CBQILCjz" +
        "A4gCDIAH6wIYPDsQVSALiBTzAQyIAeMCJFWwHeMBJFWwDfMBFAtVqB47CCMIEwh7CKsMEE08yAKRApICPAsgVbgx3QMIHQgl4ATtAgh9kAwj" +
        "CNsBCBMICxALCFMIIwgLCAswCyALCAsICwgbCBMICxALCAsICwgLCAsIEwgLECMIOwgjCCMICwhTCIsBKBsIKwiLAaAkbZiuAVWwQIPuFIAC" +
        "04MCMPMNEJPoAnCL0wN48yaQmgHzIZBe27QCKIOGAoDV2wKED4DhXw==";

    /// <summary>Grapheme cluster breaks, in the order of <see cref="GraphemeClass"/>.</summary>
    public const string Graphemes =
        "owESIxGjAvALkwSQAR4wEx6QSoQOsCJ08CDUBRAUECQQJBAUgAdmoAG0ARAT4AXUAoACFNAMdBYQZCAkEESQBBYQFOADtAOwC7QBoAeUAZAB" +
        "FIADRBCUARA0EFSwBTTABiZQlAGgBYQDFoQEF+AGFBcUEDeEAUcUJxB0oAEk0AMUJ4AHFBAUJ0QgJyAnFJABFKABJKADFCAkF4AHFBA3JEAk" +
        "IDQwFOADJDAUsAEkF4AHFBA3VBAkFxAnFMACJOACZBAUJ4AHFBAkF0QgJyAnFHA0oAEk4AMUsAcUFxQnMDcQNxSQARSABRQ3FPAGFBA0RxA0" +
        "EERwJLABJNADFCeABxQQFyQXFCcQNBBEcCSwASTwARfAASQn8AYkEBQnRBA3EDcUFoABFKABJNADFCfgCBRAFCc0EBQQdxSgAifQBxQQF3TA" +
        "AYQBoAwUEBeUAbABdJAJJLADFBAUEBRAJ5AG5AEXVBAkULQBEMQEkAEU4AxEF2QQJCck8AInJEA0gAJE0AEUEBckYBTwARSgDIkMigmLC9Ar" +
        "NKB2RMADNNADJOADJIAIJBd0hwEUJ7QBkAEU0AU0ExTQDiSgBBTgDjRHJDdAJxRnNLAbJCcUkAcXFBd0EBQQFCCEAWekASAUgAb0A5AGRBfw" +
        "BaQBRzTgBJQBwAEkF+ADF0QnZIAHFBckNxQXVIAGhwGEASckgBM0ENQBF3RAFGAUIBck4BiECLBBExQVI4ADc9ABHsABHuACgwKADJQEkAYe" +
        "4AIeoAtu8AEu8C0uwAEe8Ase4AgekAO+AUA+8Bge8BwuoAEekAEeoAdOEG4QzgEQrg6gAe4OIL4BEB4QHmAeMB5gHqABLvABHiAeQB4QHkA+" +
        "EB6wAV7QBT6QAR7gAR7gAR7ALi7wOT6wAi6wBh5AHpAzNNARFIAMhASgRWQewAEesAskwD8eEB7Q+hxEEKQBgAQkgAokgCIUMBRAFPACJyQX" +
        "QBSwCiegBocCJKADpALQARTgBIQBkAO0ARcUwAHZAzA0F/AFFCdEJyQnFMAEFLAIZCckJyTAARSAARQX4AUUsAYUEDQgJFAkEBSQBRckJ1AX" +
        "FMAdJxQnFCcQFxSgAhy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9" +
        "Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9Axy9A8AB+gJA" +
        "mwag5AgUkFyEAoAChALwGRPgEySACsMBkEAUoBwU0BJU4NABNBAkUESABTRAFNAUJNBHRJAIVNAnJPAJROAItAGQBkSgDxcUF9AG9AGQBRQg" +
        "JKABNBfQBTdEJyQgFkAUoAEWoAY0wARUF4QBgAInwAUUwAEkF4AGN5QBFxQQJlBEEBcUwAs3NCdEYBQgFNATFDeEAdACJCfwBiQQFBcURyAn" +
        "ICcUkAEUoAEnIHQwVLAIFCdkEBQgFBA0FxAnNBYU4AEkoAo3hAEnNBcU8AIUkAoUJ2QXFCcUFyQXJLAdFCdEIEckFySwAySgCjeEAScUFySg" +
        "DRQXFCeEAdAMFBcUIEQXVIAgN5QBFyTQHhRXECcgRBYXFhcU0BE3RCAkRxQwF8ADpAGABWQXFkSAARSQAWQnNIAFZtQBFyTQMhd0EGQXFKAK" +
        "5AIQF3QXJBckoA9kMBQQJBB0FhSgCFcQJBAnFBcUsCskJ5ABJBYXgAYnVDAnNPACFNCaBYMCFGD0AYCZC8QBNzSAuAJUsAd0wEUaMErAPBQQ" +
        "9wZwRJAKFLABJLCVEyQQQ8DLBOQFIPQC4ENUMGSDAYQBIHTgA0TAEjSw9wH0BkCkBoABFOABFOACVBD0AYCqAXQQlAIgdBAkEFTADBSAFHTw" +
        "LhTQB0TAP0TgHySAXHTQDXTQ1gGOINABPvADHsAHbsABLuABHiCuAaACngeoAxD+AaABHsACHiCeARBOkAGuNlTuJ4ABriGABo4QwA7OAdAK" +
        "vgXAAU6AB44BoAFugAWOAeADrgrAAf4FEK4BEJ43gCDuf6CAgAaDBIQMgxCEHoPCA4CAvAE=";

    /// <summary>Scripts of letters, as indices into <see cref="ScriptNames"/>; for others it says nothing.</summary>
    public const string Scripts =
        "tQFHBQD/A0cnAAxHhAEABCsCAGwrDhgQK7ECHJ8BBVA1IAQBAM8BBECMATAESpcBNmZAgAEgUhCMAZQBBHwehQELgAEugAEsfnWCAZMBe5YB" +
        "hAE8gQFRfIUBgAGYAX9GgAKZAaABYGAngAIxoAMlYRaABREfaWB/II0BIDMgECCOAaABQpABXVARUEkwjwGAAWQgD+UBkAF+Bz2JAUAKWkgm" +
        "ahAcWScXACZHBSsBHDFHBSsERwUrDUcBHEZHQSuAAkfxAiuRAUckAAIrAgACRwYAAUcbALIVR2AoIEeAARgwJ1CaAa8BJdYDAAEwNQABMAUA" +
        "YDZbPQEACD0sDW8xUA2QBD2A2AEw0AmlATBMwAKgAWAcdwgLAGZHAwB1R0CLAUJ7cIEBGB4mPzB+JDFLOhEAIGBgFSBgYJEBIVcvJTVHASsK" +
        "R1AWQFeAmgExgAQwE0cKBTM10QcERUcKPQEALT0CAGAxgAVLIE1gEjBtICkwbyCfAWBwUB0wgwEwd1B2MCNAE1ChAUCcAYADSoABR0AaIDcg" +
        "eWBhIDQgfGBOIFpgWWBAIHJAbkBTQAYgOSA4gAF9gAFzgAFsSjK2AiZCpAE+BDBxQIYBQHQwFyMkgAEOTTszhwFNFDNPfYIBgAFDMF9VRHsq" +
        "gAGeAYABZYACmwGAAYQBgAFcgAGSAYACAqABIGCjAaABH2BjUKYBYIgBEBGAAnpAigFyDI4BVGBVgAMtIlCuAT5QTJAfGXAbgCgigDoDgA4v" +
        "wAQIMF5glAEwCcAEeIACRcABVuABWwGVAQJnHTCANpUBgARB8EWVARE9nwI2Ej0jNhs9kBVngDAhgBYAsAJH0AEckANoMJ0BkASiAYACYpAE" +
        "ayAlgAJYgAoBgCQEgIA8MA==";

    /// <summary>Names separated by spaces; Common stands for Inherited as well.</summary>
    public const string ScriptNames =
        "Common Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaik" +
        "suki Bopomofo Brahmi Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chora" +
        "smian Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_" +
        "Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi G" +
        "urmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inscriptiona" +
        "l_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Scri" +
        "pt Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Mak" +
        "asar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Curs" +
        "ive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_L" +
        "ue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian O" +
        "ld_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong P" +
        "almyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian S" +
        "iddham Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Ta" +
        "i_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Toto Tulu_Tigal" +
        "ari Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square";
}
