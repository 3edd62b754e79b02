#!/usr/bin/env pwsh
<#
.SYNOPSIS
Chores of the repository; every one of them can also be typed as the command that it runs.
.EXAMPLE
./build.ps1 test --filter TestCategory!=slow
#>
param(
    # build, test: everything, in Release. bench: the benches, arguments are passed on. native: configures and builds
    # native/cuda. format: brings the code to the style of .editorconfig.
    [Parameter(Position = 0)]
    [ValidateSet('build', 'test', 'bench', 'native', 'format')]
    [string] $Task = 'build',

    [Parameter(Position = 1, ValueFromRemainingArguments = $true)]
    [string[]] $Rest = @()
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Invoke-Checked([string] $Program, [string[]] $Arguments) {
    Write-Host "$Program $Arguments"
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) {
        Write-Error "$Program ended with exit code $LASTEXITCODE." -ErrorAction Continue
        exit $LASTEXITCODE
    }
}

Push-Location $PSScriptRoot
try {
    switch ($Task) {
        'build' { Invoke-Checked 'dotnet' (@('build', '-c', 'Release') + $Rest) }
        'test' { Invoke-Checked 'dotnet' (@('test', '-c', 'Release') + $Rest) }
        'bench' { Invoke-Checked 'dotnet' (@('run', '-c', 'Release', '--project', 'bench', '--') + $Rest) }
        'native' {
            Invoke-Checked 'cmake' @('-S', '.', '-B', 'artifacts/native')
            Invoke-Checked 'cmake' @('--build', 'artifacts/native')
        }
        'format' { Invoke-Checked 'dotnet' (@('format') + $Rest) }
    }
}
finally {
    Pop-Location
}
